#include "usherd/spool/made_places.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace usherd {

bool MadePlaces::note_file_if_missing(const std::string& path) {
  struct ::stat found {};
  if (::lstat(path.c_str(), &found) == 0 || errno != ENOENT)
    return false;
  note_file(path);
  return true;
}

void MadePlaces::remove() {
  while (!places_.empty()) {
    const auto& place = places_.back();
    // What cannot be removed stays: the refusal is what must be told.
    static_cast<void>(place.is_directory ? ::rmdir(place.path.c_str()) : ::unlink(place.path.c_str()));
    places_.pop_back();
  }
}

}  // namespace usherd
