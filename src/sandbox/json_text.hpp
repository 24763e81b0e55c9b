#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace usherd::sandbox {

/// Appends a parsed value as compact JSON. Numbers keep their kind: a real is written with a fraction or
/// exponent.
void append_json(std::string& out, simdjson::dom::element value);

/// The size of a property's value as the contract's limit counts it: a string's own bytes, else those of its
/// JSON.
[[nodiscard]] std::size_t value_bytes(simdjson::dom::element value);

/// Appends text simdjson parsed, and so valid UTF-8, as a JSON string with its quotes.
void append_quoted(std::string& out, std::string_view text);

}  // namespace usherd::sandbox
