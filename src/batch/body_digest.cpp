#include "usherd/batch/body_digest.hpp"

namespace usherd {

void BodyDigest::add(std::uint64_t sum) {
  if (count_ == held_.size())
    flush();
  held_[count_++] = sum;
}

void BodyDigest::flush() {
  hash_.update({reinterpret_cast<const char*>(held_.data()), count_ * sizeof(held_[0])});
  count_ = 0;
}

Digest BodyDigest::value() {
  flush();
  return hash_.value();
}

}  // namespace usherd
