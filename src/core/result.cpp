#include "usherd/core/result.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace usherd {

Error Error::within(std::string_view context) const {
  return {code, fmt::format("{}: {}", context, message)};
}

Error Error::system(int number, std::string_view what) {
  Errc code = Errc::io;
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EROFS:
      code = Errc::no_space;
      break;
    case ENOENT:
      code = Errc::not_found;
      break;
    case EEXIST:
      code = Errc::exists;
      break;
    case EACCES:
    case EPERM:
      code = Errc::denied;
      break;
    case ETIMEDOUT:
      code = Errc::timeout;
      break;
    default:
      break;
  }
  return {code, fmt::format("{}: {}", what, std::generic_category().message(number))};
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::runtime_error(fmt::format("{} ({}:{})", error.message, where.file_name(), where.line()));
}

}  // namespace usherd
