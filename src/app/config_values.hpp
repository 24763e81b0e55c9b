#pragma once

#include "config_yaml.hpp"

#include "usherd/app/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace usherd {

/// Why a value is refused, and what to do about it.
struct Objection {
  std::string message;
  std::string hint;
};

/// Nothing when the value was taken. Each reader leaves `into` as it is when it objects.
using Verdict = std::optional<Objection>;

struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

struct DurationRange {
  Milliseconds least{0};
  Milliseconds most{0};
};

[[nodiscard]] Verdict read_whole(const YamlNode& node, Range range, std::uint64_t& into);
[[nodiscard]] Verdict read_whole(const YamlNode& node, Range range, unsigned& into);
/// Decimals are allowed.
[[nodiscard]] Verdict read_rate(const YamlNode& node, double least, double most, double& into);
[[nodiscard]] Verdict read_size(const YamlNode& node, Range range, std::uint64_t& into);
[[nodiscard]] Verdict read_duration(const YamlNode& node, DurationRange range, Milliseconds& into);
[[nodiscard]] Verdict read_switch(const YamlNode& node, bool& into);

/// An absolute path; what is stored has no "..", no doubled and no final slash. Nothing in the value: empty.
[[nodiscard]] Verdict read_path(const YamlNode& node, std::string& into);
/// The same for a file that holds a secret: a value that is no path is not repeated.
[[nodiscard]] Verdict read_secret_file(const YamlNode& node, std::string& into);
/// The same for a path that is not "/".
[[nodiscard]] Verdict read_directory(const YamlNode& node, std::string& into);
/// The same for a path that fits the address of a Unix socket.
[[nodiscard]] Verdict read_socket_path(const YamlNode& node, std::string& into);

[[nodiscard]] Verdict read_base_url(const YamlNode& node, std::string& into);
[[nodiscard]] Verdict read_proxy(const YamlNode& node, std::string& into);
/// "address:port"; nothing in the value: empty.
[[nodiscard]] Verdict read_listen(const YamlNode& node, std::string& into);
[[nodiscard]] Verdict read_hosts(const YamlNode& node, std::vector<std::string>& into);

/// The text of a scalar, or why there is none: a list, a mapping, a control character, too long.
[[nodiscard]] Verdict read_text(const YamlNode& node, std::string& into);

[[nodiscard]] Verdict wrong_word(std::string_view given, std::string_view allowed);

/// One of a fixed list of words.
template <class T, std::size_t N>
[[nodiscard]] Verdict read_word(const YamlNode& node, const std::pair<std::string_view, T> (&words)[N],
                                T& into) {
  std::string text;
  if (auto objection = read_text(node, text))
    return objection;
  std::string allowed;
  for (const auto& [word, value] : words) {
    if (text == word) {
      into = value;
      return std::nullopt;
    }
    allowed.append(allowed.empty() ? "" : ", ").append(word);
  }
  return wrong_word(text, allowed);
}

}  // namespace usherd
