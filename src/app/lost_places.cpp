#include "src/app/lost_places.hpp"

#include "usherd/ledger/ledger.hpp"
#include "usherd/spool/folders.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace usherd {

bool holds_ledger(const std::string& state) {
  std::error_code failed;
  return std::filesystem::exists(state + "/ledger.sqlite", failed);
}

bool has_lost_working(Files& disk, const SpoolLayout& layout, const std::string& state) {
  std::error_code failed;
  const auto id = read_spool_id(disk, layout);
  return id && !id->empty() && holds_ledger(state) &&
         std::filesystem::symlink_status(layout.working(), failed).type() ==
             std::filesystem::file_type::not_found;
}

Result<std::optional<std::uint64_t>> unfinished_files(const std::string& state) {
  const auto ledger = Ledger::open(state);
  if (!ledger)
    return ledger.error();
  const auto last = (*ledger)->last_file_number();
  if (!last)
    return last.error();
  if (*last == 0)
    return std::optional<std::uint64_t>();
  const auto open = (*ledger)->count_open_files();
  if (!open)
    return open.error();
  return std::optional(*open);
}

Result<void> make_private_like(const std::string& directory, const std::string& model) {
  struct ::stat owner {};
  const bool made = ::mkdir(directory.c_str(), 0700) == 0;
  const bool given = made && (::geteuid() != 0 || ::stat(model.c_str(), &owner) != 0 ||
                              ::lchown(directory.c_str(), owner.st_uid, owner.st_gid) == 0);
  if (!given)
    return Error::system(errno, fmt::format("make {}", directory));
  return {};
}

}  // namespace usherd
