#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace usherd {

/// What kind of thing went wrong, where a caller acts on the difference.
enum class Errc : std::uint8_t {
  io,           ///< a file, socket or database call failed
  no_space,     ///< ENOSPC, EDQUOT, EFBIG, or a read-only file system
  not_found,    ///< what was named does not exist
  exists,       ///< what was to be made exists already
  denied,       ///< permission, or a lock somebody else holds
  invalid,      ///< the input breaks a rule
  too_large,    ///< the input is longer than what is taken in
  corrupt,      ///< stored data contradicts itself
  unavailable,  ///< the other side cannot be reached or refuses
  timeout,      ///< a deadline passed
  cancelled,    ///< we stopped it ourselves
};

/// An expected failure: what happened and to which thing, ready to be shown. Owns its text.
struct Error {
  Errc code = Errc::io;
  std::string message;

  /// The same failure one layer up: "context: message".
  [[nodiscard]] Error within(std::string_view context) const;
  /// A failed system call: "what: strerror(number)"; ENOSPC and its kin become Errc::no_space.
  [[nodiscard]] static Error system(int number, std::string_view what);
};

/// A value, or an Error. Exceptions mean a bug or a broken start.
template <class T>
using Result = boost::system::result<T, Error>;

/// What Result::value() throws when it holds an Error: used only where failure is a bug.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace usherd
