#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace usherd {

/// A text that must not be seen: owns the only copy, overwrites it when it goes, never turns into a string by
/// itself and has no way to be formatted or compared in sight of a clock.
class Secret {
 public:
  Secret() = default;
  /// Copies `text`; the caller overwrites its own copy.
  explicit Secret(std::string_view text);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  /// For the one place that sends it. Valid until this secret goes or is assigned to.
  [[nodiscard]] std::string_view reveal() const { return {text_.get(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool same_as(const Secret& other) const;

 private:
  void wipe();

  std::unique_ptr<char[]> text_;
  std::size_t size_ = 0;
};

/// Puts stars in the place of `secret` in foreign text, also where it is written with JSON's escapes. One
/// shorter than kLeastConcealed is let stand: any text may hold it by chance.
inline constexpr std::size_t kLeastConcealed = 8;
void conceal(std::string& text, std::string_view secret);

/// Overwrites memory in a way that the compiler keeps.
void wipe_memory(void* memory, std::size_t size);

}  // namespace usherd
