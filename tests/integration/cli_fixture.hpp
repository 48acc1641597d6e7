/// Runs `weir` as an operator runs it, in a folder of its own.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace weir::test {

namespace fs = std::filesystem;

struct Outcome {
    int exit_code = -1;
    std::string out;
    std::string error;
};

inline std::string content(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// A folder of its own in which `weir` is run.
class Cli : public testing::Test {
protected:
    Cli() {
        auto pattern = (fs::temp_directory_path() / "weir-cli-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error{"mkdtemp"};
        }
        folder_ = pattern;
    }
    ~Cli() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    Cli(const Cli&) = delete;
    Cli& operator=(const Cli&) = delete;

    /// @param arguments  As typed in a shell.
    [[nodiscard]] Outcome weir(const std::string& arguments) const {
        const auto out = folder_ / "stdout";
        const auto error = folder_ / "stderr";
        const auto line = "cd '" + folder_.string() + "' && '" WEIR_BINARY "' " + arguments +
                          " >'" + out.string() + "' 2>'" + error.string() + "'";
        const int status = std::system(line.c_str());
        Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(out), content(error)};
        fs::remove(out);
        fs::remove(error);
        return outcome;
    }

    void write(const fs::path& path, std::string_view text) const {
        std::ofstream{folder_ / path, std::ios::binary} << text;
    }

    fs::path folder_;
};

}  // namespace weir::test
