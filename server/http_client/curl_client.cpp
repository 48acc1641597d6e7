#include <weir/http_client/curl_client.hpp>

#include <boost/unordered/unordered_flat_map.hpp>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <weir/base/assert.hpp>
#include <weir/http_client/detail/transfer.hpp>

namespace weir::http_client {
namespace {

using detail::Transfer;

/// How long the thread sleeps when nothing happens; submissions wake it.
constexpr int kPollMs = 10'000;

struct FreeMulti {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};

/// libcurl's process-wide set-up; curl_global_cleanup is left to the end of the process.
void initialise_libcurl() {
    static const auto kResult = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (kResult != CURLE_OK) {
        throw std::runtime_error{
            std::string{"libcurl cannot start: "} + curl_easy_strerror(kResult)
        };
    }
}

/// For the client's thread: signals are for others. SIGPIPE above all, as OpenSSL writes to sockets that a peer may have
/// closed.
void block_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

CURLM* make_multi() {
    initialise_libcurl();
    auto* const multi = curl_multi_init();
    WEIR_ASSERT(multi != nullptr);
    return multi;
}

}  // namespace

struct CurlClient::Impl {
    explicit Impl(ClientOptions given) : options{given}, multi{make_multi()} {
        curl_multi_setopt(
            multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections_kept)
        );
        thread = std::thread{[this] { run(); }};
    }

    struct Submission {
        Request request;
        Completion done;
    };

    void run();
    void start(Submission&& submission);
    void finish_done();
    void cancel_all();

    ClientOptions options;
    std::unique_ptr<CURLM, FreeMulti> multi;
    boost::unordered_flat_map<CURL*, std::unique_ptr<Transfer>> transfers;  ///< The thread's own.

    std::mutex mutex;
    std::vector<Submission> submitted;  ///< Under the mutex.
    bool stopping = false;              ///< Under the mutex.
    std::thread thread;
};

void CurlClient::Impl::run() {
    block_signals();
    for (;;) {
        std::vector<Submission> fresh;
        bool last_turn = false;
        {
            const std::lock_guard lock{mutex};
            fresh.swap(submitted);
            last_turn = stopping;
        }
        for (auto& submission : fresh) {
            start(std::move(submission));
        }
        if (last_turn) {
            cancel_all();
            return;
        }
        int running = 0;
        curl_multi_perform(multi.get(), &running);
        finish_done();
        curl_multi_poll(multi.get(), nullptr, 0, kPollMs, nullptr);
    }
}

void CurlClient::Impl::start(Submission&& submission) {
    auto transfer = std::make_unique<Transfer>(
        std::move(submission.request), std::move(submission.done), options.body_bytes_max
    );
    if (transfers.size() >= options.in_flight_max) {
        transfer->fail(errc::overloaded, make_error_code(errc::overloaded).message());
        return;
    }
    if (auto problem = transfer->prepare()) {
        transfer->fail(errc::bad_request, std::move(*problem));
        return;
    }
    auto* const handle = transfer->handle();
    curl_multi_add_handle(multi.get(), handle);
    transfers.emplace(handle, std::move(transfer));
}

void CurlClient::Impl::finish_done() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi.get(), &left)) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        auto* const handle = message->easy_handle;
        const auto result = message->data.result;
        const auto found = transfers.find(handle);
        WEIR_ASSERT(found != transfers.end());
        const auto transfer = std::move(found->second);
        transfers.erase(found);
        curl_multi_remove_handle(multi.get(), handle);
        transfer->finish(result);
    }
}

void CurlClient::Impl::cancel_all() {
    auto cancelled = std::exchange(transfers, {});
    for (auto& [handle, transfer] : cancelled) {
        curl_multi_remove_handle(multi.get(), handle);
        transfer->fail(errc::cancelled, make_error_code(errc::cancelled).message());
    }
}

CurlClient::CurlClient(ClientOptions options) : impl_{std::make_unique<Impl>(options)} {}

CurlClient::~CurlClient() {
    stop();
}

void CurlClient::submit(Request request, Completion done) {
    std::unique_lock lock{impl_->mutex};
    if (impl_->stopping) {
        lock.unlock();
        done(Outcome{.error = errc::cancelled, .detail = make_error_code(errc::cancelled).message()}
        );
        return;
    }
    impl_->submitted.push_back({std::move(request), std::move(done)});
    lock.unlock();
    curl_multi_wakeup(impl_->multi.get());
}

void CurlClient::stop() {
    {
        const std::lock_guard lock{impl_->mutex};
        impl_->stopping = true;
    }
    curl_multi_wakeup(impl_->multi.get());
    if (impl_->thread.joinable()) {
        impl_->thread.join();
    }
}

}  // namespace weir::http_client
