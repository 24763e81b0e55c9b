#include "usherd/settle/unsearched.hpp"

namespace usherd {

std::string_view word_of(Unsearched::Why why) {
  switch (why) {
    case Unsearched::Why::converting:
      return "converting";
    case Unsearched::Why::large:
      return "large";
    case Unsearched::Why::settled:
      return "settled";
    case Unsearched::Why::missing:
      return "missing";
    case Unsearched::Why::unreadable:
      break;
  }
  return "unreadable";
}

}  // namespace usherd
