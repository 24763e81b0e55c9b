#pragma once

#include "usherd/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace usherd {

/// The longest page that is read of any batch.
inline constexpr std::size_t kMostResultPageBytes = 16U << 20;
/// The longest page that is read of one whose body has `body_bytes`: an API that does not divide its lists
/// echoes all of it at once, six bytes for one where it escapes each character, with words of its own on each
/// record. Never below kMostResultPageBytes.
[[nodiscard]] std::size_t most_page_bytes(std::uint64_t body_bytes, std::uint64_t records);
inline constexpr std::size_t kMostTokenBytes = 8192;

/// One user of a page of /errors or /imports. What is empty was not given.
struct ResultItem {
  std::string code;                ///< /errors; at most kMostCodeBytes
  std::string message;             ///< /errors; at most kMostMessageBytes
  std::optional<std::string> uid;  ///< decoded; numbers as their digits
  std::optional<std::string> id;
  std::string user_json;  ///< the user as JSON, for those that have no name; "{}" where none was given
};

/// A page of either list: /errors puts the user into `user`, in /imports the item is the user. Holds the
/// answer's text and makes an item of it when it is asked for, so that a page takes no more memory than its
/// text and one item, whatever stands in it.
class ResultPage {
 public:
  /// Calls `take` with each item, in order, until it fails. An item that is no object becomes one without a
  /// name, so that it is not passed over.
  [[nodiscard]] Result<void> each(const std::function<Result<void>(const ResultItem&)>& take) const;

  [[nodiscard]] std::size_t bytes() const { return body_.size(); }

  std::string next_page_token;  ///< opaque; empty on the last page

 private:
  friend Result<ResultPage> parse_result_page(std::string body, std::size_t most_bytes);

  std::string body_;
  std::size_t results_at_ = 0;  ///< where the list stands in it
  std::size_t results_size_ = 0;
};

/// Everything in a page is optional. Errc::invalid: no JSON object, over `most_bytes`, `results` is no list,
/// a token over kMostTokenBytes.
[[nodiscard]] Result<ResultPage> parse_result_page(std::string body,
                                                   std::size_t most_bytes = kMostResultPageBytes);

enum class PageStep : std::uint8_t {
  fetch,     ///< the next page
  done,      ///< that was the last
  repeated,  ///< a token came again: nothing new would follow. The counts tell whether that was all
  too_many   ///< more pages than any batch fills
};

/// Goes from page to page until the list ends, and never in a circle. Remembers tokens by hash: 8 bytes and a
/// node each, at most kMostPages.
class PageWalk {
 public:
  static constexpr std::size_t kMostPages = 100'000;

  /// Given the next_page_token of the page just read. After anything but `fetch` the walk is over.
  [[nodiscard]] PageStep next(std::string_view token);

 private:
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace usherd
