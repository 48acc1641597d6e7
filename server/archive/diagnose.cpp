#include <weir/archive/diagnose.hpp>

#include <array>

namespace weir::archive {

std::string_view hint_of(std::string_view failure) noexcept {
    struct Row {
        std::string_view mark;  ///< Of S3 its error codes, of a disk what the system says.
        std::string_view hint;
    };
    static constexpr std::array<Row, 13> kRows = {{
        {"InvalidAccessKeyId", "the server does not know this key: mend auth.access_key"},
        {"SignatureDoesNotMatch", "auth.secret_key is not that of auth.access_key"},
        {"AccessDenied", "the key may not do that: allow it to put and delete objects under this name"},
        {"NoSuchBucket", "make the bucket, or mend bucket"},
        {"AuthorizationHeaderMalformed", "the bucket is in another region: mend region"},
        {"PermanentRedirect", "the bucket is in another region: mend region or endpoint"},
        {"RequestTimeTooSkewed", "a clock is wrong, here or there"},
        {"SlowDown", "the server is busy: wait, or make batches larger"},
        {"No such file or directory", "make the folder, mount its disk, or mend path"},
        {"Permission denied", "let the gateway's user write there"},
        {"Read-only file system", "mount the disk so that it can be written to"},
        {"No space left on device", "make room on the disk"},
        {"certificate", "the server's certificate is not one of a known CA: name that with ca"},
    }};
    for (const auto& [mark, hint] : kRows) {
        if (failure.find(mark) != std::string_view::npos) {
            return hint;
        }
    }
    return {};
}

}  // namespace weir::archive
