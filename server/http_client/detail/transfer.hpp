/// One request on its way through libcurl.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weir/http_client/client.hpp>

namespace weir::http_client::detail {

struct FreeEasy {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct FreeList {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

/// Bytes of an answer's head that are read; a longer one ends the transfer.
inline constexpr std::size_t kResponseHeadMax = 64 * 1024;

/// Not moved while libcurl holds its handle. Lives on the client's thread.
class Transfer {
public:
    Transfer(Request&& request, Completion&& done, std::size_t body_bytes_max);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() = default;

    /// Sets all options. @return What is wrong with the request, if something is.
    [[nodiscard]] std::optional<std::string> prepare();
    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }

    /// Reads the outcome out of libcurl and calls the completion.
    void finish(CURLcode result);
    void fail(errc code, std::string detail);

private:
    [[nodiscard]] bool set_headers();
    void set_body();
    void set_tls();
    void set_proxy();
    void read_timing(Outcome& outcome) const;
    [[nodiscard]] std::string text_of_failure(CURLcode result) const;
    template <class T>
    void set(CURLoption option, T value);
    void set_blob(CURLoption option, const std::string& text);

    static std::size_t on_body(
        char* data, std::size_t size, std::size_t count, void* self
    ) noexcept;
    static std::size_t on_head(
        char* data, std::size_t size, std::size_t count, void* self
    ) noexcept;

    std::unique_ptr<CURL, FreeEasy> easy_;
    std::unique_ptr<curl_slist, FreeList> headers_;
    Request request_;
    Completion done_;
    Response response_;
    std::size_t body_bytes_max_;
    std::size_t head_bytes_ = 0;
    CURLcode options_ = CURLE_OK;  ///< The first option that libcurl refused.
    std::array<char, CURL_ERROR_SIZE> error_text_{};
};

}  // namespace weir::http_client::detail
