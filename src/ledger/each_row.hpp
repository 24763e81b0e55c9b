#pragma once

#include "src/ledger/database.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace usherd {

/// Hands each row of a query to `read`, which takes its columns and may end the walk with an error.
template <class Read>
[[nodiscard]] Result<void> each_row(Result<Statement> found, Read read) {
  if (!found)
    return found.error();
  while (true) {
    const auto row = found->row();
    if (!row)
      return row.error();
    if (!*row)
      return {};
    if (Result<void> done = read(*found); !done)
      return done;
  }
}

/// What `read` makes of each row, in their order.
template <class Value, class Read>
[[nodiscard]] Result<std::vector<Value>> all_rows(Result<Statement> found, Read read) {
  std::vector<Value> values;
  const auto done = each_row(std::move(found), [&](Statement& row) -> Result<void> {
    Result<Value> value = read(row);
    if (!value)
      return value.error();
    values.push_back(std::move(*value));
    return {};
  });
  if (!done)
    return done.error();
  return values;
}

/// The text of a query's only row; nothing where it finds none.
[[nodiscard]] inline Result<std::optional<std::string>> first_text(Result<Statement> found) {
  std::optional<std::string> text;
  const auto done = each_row(std::move(found), [&text](Statement& row) -> Result<void> {
    text = row.text();
    return {};
  });
  if (!done)
    return done.error();
  return text;
}

}  // namespace usherd
