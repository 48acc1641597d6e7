#include <weir/bench/process.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>

namespace weir::bench {
namespace {

double seconds_on(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// The number behind "Pss:" in kB.
std::int64_t pss_of(int pid) {
    std::ifstream in{fmt::format("/proc/{}/smaps_rollup", pid)};
    std::string word;
    while (in >> word) {
        std::int64_t kilobytes = 0;
        if (word == "Pss:" && in >> kilobytes) {
            return kilobytes * 1'024;
        }
    }
    throw std::runtime_error{fmt::format("cannot read the memory of process {}", pid)};
}

/// The number behind "mem" in the line of TCP, in pages.
std::int64_t kernel_tcp_bytes() {
    std::ifstream in{"/proc/net/sockstat"};
    std::string line;
    while (std::getline(in, line)) {
        const auto mark = line.find(" mem ");
        if (line.starts_with("TCP:") && mark != std::string::npos) {
            return std::stoll(line.substr(mark + 5)) * ::sysconf(_SC_PAGESIZE);
        }
    }
    return 0;
}

}  // namespace

double cpu_seconds(std::span<const int> pids) {
    double sum = 0;
    for (const int pid : pids) {
        clockid_t clock{};
        if (::clock_getcpuclockid(pid, &clock) != 0) {
            throw std::runtime_error{fmt::format("process {} is gone", pid)};
        }
        sum += seconds_on(clock);
    }
    return sum;
}

double own_cpu_seconds() {
    return seconds_on(CLOCK_PROCESS_CPUTIME_ID);
}

Memory memory_of(std::span<const int> pids) {
    Memory memory{.kernel_tcp_bytes = kernel_tcp_bytes()};
    for (const int pid : pids) {
        memory.pss_bytes += pss_of(pid);
    }
    return memory;
}

std::uint64_t steady_ns() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace weir::bench
