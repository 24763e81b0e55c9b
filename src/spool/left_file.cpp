#include "usherd/spool/left_file.hpp"

#include <fmt/format.h>

namespace usherd {
namespace {

std::string_view advice(LeftReason reason) {
  switch (reason) {
    case LeftReason::unreadable:
      return "usherd may not read it: let its owner run chmod g+r on it, or drop it with usherd submit";
    case LeftReason::symlink:
      return "a symbolic link is never followed: drop the file itself";
    case LeftReason::directory:
      return "a directory is not taken: drop the files in it";
    case LeftReason::special:
      return "it is a FIFO, a socket or a device: remove it";
    case LeftReason::hard_link:
      return "it has another name besides this one: remove that name";
    case LeftReason::changing:
      return "it is still being written";
    case LeftReason::vanished:
      return "it was taken away again";
    case LeftReason::failed:
      return "it could not be taken";
    case LeftReason::later:
      return "it came after the drain had started";
  }
  return {};
}

}  // namespace

std::string_view word_of(LeftReason reason) {
  switch (reason) {
    case LeftReason::unreadable:
      return "unreadable";
    case LeftReason::symlink:
      return "symlink";
    case LeftReason::directory:
      return "directory";
    case LeftReason::special:
      return "special";
    case LeftReason::hard_link:
      return "hard_link";
    case LeftReason::changing:
      return "changing";
    case LeftReason::vanished:
      return "vanished";
    case LeftReason::failed:
      return "failed";
    case LeftReason::later:
      return "later";
  }
  return {};
}

LeftFile leave(std::string_view name, LeftReason reason, std::string_view why) {
  LeftFile left;
  left.name = name;
  left.reason = reason;
  left.detail = why.empty() ? std::string(advice(reason)) : fmt::format("{} ({})", advice(reason), why);
  return left;
}

}  // namespace usherd
