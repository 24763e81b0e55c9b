#pragma once

#include "src/validate/fault.hpp"
#include "src/validate/names.hpp"
#include "src/validate/tape.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace usherd {

/// The rules of a record's `properties` (api.md section 3). Counting: every value that is not an object
/// counts one under its dotted path, an empty object counts one, a repeated member counts once. Keeps its
/// memory between records.
class PropertyRules {
 public:
  /// Objects inside `properties` may stand this deep; the limit of a path allows 256.
  static constexpr std::size_t kMostDepth = 64;
  /// Of a string after unescaping, or of an array as compact JSON.
  static constexpr std::size_t kMostValueBytes = 8192;

  /// Checks the object at `place`. Clears `mergeable` where kMergeable forbids what it holds.
  bool check(const Tape& tape, std::size_t place, bool& mergeable, Fault& fault);

 private:
  bool check_value(const Tape& tape, std::size_t value, std::string_view name, std::size_t path_length,
                   Fault& fault);
  bool check_nested(const Tape& tape, std::size_t value, std::string_view name, std::size_t path_length,
                    Fault& fault);
  bool check_own_name(std::string_view name, Fault& fault);
  bool check_name(std::string_view name, std::size_t path_length, Fault& fault) const;
  bool too_large(std::string_view name, std::size_t size, Fault& fault) const;
  bool check_array(const Tape& tape, std::size_t place, std::string_view name, Fault& fault);
  bool check_count(const Tape& tape, std::size_t place, Fault& fault);
  void collect_paths(const Tape& tape, std::size_t place);
  [[nodiscard]] std::string path_to(std::string_view name) const;

  KnownNames known_;
  std::array<std::string_view, kMostDepth> parents_;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;  // members at any depth: never fewer than the unique properties
  bool mergeable_ = true;
  std::string path_;
  std::vector<std::uint64_t> path_hashes_;
};

/// Whether a schema may declare `selector`, a property name or names joined by dots, to be of `type`.
[[nodiscard]] bool is_declaration(std::string_view selector, std::string_view type);

/// The rules of a record's `schema`: {"properties": {selector: type}}, selectors being dotted paths.
bool check_schema(const Tape& tape, std::size_t place, Fault& fault);

}  // namespace usherd
