// Hostile configuration: the first byte says which file it is. Nothing outside of the table of
// files is read.
#include <cstddef>
#include <cstdint>
#include <string>

#include <weir/app_config/config.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string text{reinterpret_cast<const char*>(data) + 1, size - 1};
    weir::app::MemoryFiles files;
    files.files["/c/weir.yaml"] = "listeners:\n  - {name: local, port: 1883}\n";
    switch (data[0]) {
        case 's':
            files.files["/c/sinks.d/a.yaml"] = text;
            break;
        case 't':
            files.files["/c/streams.d/a.yaml"] = text;
            break;
        default:
            files.files["/c/weir.yaml"] = text;
            files.variables["NAME"] = "1";
    }
    weir::document::Diagnostics diagnostics;
    static_cast<void>(weir::app::load_config("/c", files, diagnostics));
    static_cast<void>(diagnostics.render_text());
    return 0;
}
