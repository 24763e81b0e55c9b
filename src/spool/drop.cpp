#include "usherd/spool/drop.hpp"

#include "held_signals.hpp"
#include "usherd/core/random.hpp"
#include "usherd/core/text.hpp"
#include "usherd/spool/file_name.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace usherd {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::uint64_t kMostNumber = 100'000;

Result<void> copy(WriteFile& target, const DropSource& source) {
  std::vector<char> piece(kPiece);
  while (true) {
    const auto length = source(piece);
    if (!length)
      return length.error();
    if (*length == 0)
      return target.sync();
    const auto written = target.append(std::string_view(piece.data(), *length));
    if (!written)
      return written.error();
  }
}

Error in_drop(const std::string& name, const Error& error) {
  return error.within(fmt::format("drop {}", printable(name)));
}

Error no_spool(const SpoolLayout& layout) {
  return {Errc::not_found,
          fmt::format("{} is not there: the first start of usherd makes it; or spool.directory "
                      "of the configuration is another one",
                      layout.incoming())};
}

/// The first free one of name, name~2, name~3 ... is found by trying: whoever drops cannot list.
Result<std::string> show(Files& files, const std::string& incoming, const std::string& hidden,
                         const std::string& name) {
  for (std::uint64_t number = 1; number <= kMostNumber; ++number) {
    auto shown = number == 1 ? name : numbered_name(name, number);
    const auto renamed =
        files.rename(fmt::format("{}/{}", incoming, hidden), fmt::format("{}/{}", incoming, shown));
    if (renamed)
      return shown;
    if (renamed.error().code != Errc::exists)
      return renamed.error();
  }
  return Error{Errc::exists, fmt::format("no name is free for {} in {}", printable(name), incoming)};
}

}  // namespace

Result<void> check_drop_name(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos)
    return Error{Errc::invalid, fmt::format("{}: a file name without a path is needed", printable(name))};
  if (!format_of(name))
    return Error{Errc::invalid,
                 fmt::format("{}: the name must end in one of {}", printable(name), known_endings())};
  if (!is_visible_name(name))
    return Error{Errc::invalid, fmt::format("{}: names that begin with '.' are not taken", printable(name))};
  if (!is_acceptable_name(name)) {
    return Error{
        Errc::invalid,
        fmt::format("{}: the name must be UTF-8 without control characters, at most {} bytes, and not end in "
                    ".receipt.json, .error.json or .rejects.ndjson",
                    printable(name), kMostNameBytes)};
  }
  return {};
}

Result<std::string> stage_drop(Files& files, const SpoolLayout& layout, const std::string& name,
                               std::string_view beginning, const DropSource& source) {
  const auto fit = check_drop_name(name);
  if (!fit)
    return fit.error();
  auto hidden = fmt::format("{}{}", beginning, Random::from_system().uuid());
  const auto path = layout.incoming() + "/" + hidden;
  auto target = files.write(path, WriteMode::create);
  if (!target) {
    if (target.error().code == Errc::not_found)
      return in_drop(name, no_spool(layout));
    auto error = in_drop(name, target.error());
    if (error.code == Errc::denied)
      error.message += ": be root, or a member of the group usherd-submit";
    return error;
  }
  const auto copied = copy(**target, source);
  target->reset();
  if (!copied) {
    static_cast<void>(files.remove(path));
    return in_drop(name, copied.error());
  }
  return hidden;
}

Result<std::string> drop(Files& files, const SpoolLayout& layout, const std::string& name,
                         const DropSource& source) {
  const auto hidden = stage_drop(files, layout, name, kSubmitPrefix, source);
  if (!hidden)
    return hidden.error();
  auto shown = show(files, layout.incoming(), *hidden, name);
  if (!shown) {
    static_cast<void>(files.remove(layout.incoming() + "/" + *hidden));
    return in_drop(name, shown.error());
  }
  return shown;
}

Result<std::string> drop_descriptor(Files& files, const SpoolLayout& layout, const std::string& name,
                                    int descriptor) {
  const HeldSignals signals;
  const auto source = [&](std::span<char> into) -> Result<std::size_t> {
    while (true) {
      if (!signals.readable(descriptor))
        return Error{Errc::cancelled, "interrupted"};
      const auto length = ::read(descriptor, into.data(), into.size());
      if (length >= 0)
        return static_cast<std::size_t>(length);
      if (errno != EINTR)
        return Error::system(errno, "read");
    }
  };
  return drop(files, layout, name, source);
}

Result<std::string> drop_file(Files& files, const SpoolLayout& layout, const std::string& path) {
  const auto slash = path.rfind('/');
  const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
  const auto fit = check_drop_name(name);
  if (!fit)
    return fit.error();
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0)
    return Error::system(errno, fmt::format("open {}", printable(path)));
  struct ::stat found {};
  auto dropped =
      ::fstat(descriptor, &found) == 0 && S_ISDIR(found.st_mode)
          ? Result<std::string>(Error{Errc::invalid, fmt::format("{} is a directory", printable(path))})
          : drop_descriptor(files, layout, name, descriptor);
  ::close(descriptor);
  return dropped;
}

}  // namespace usherd
