#pragma once

#include "usherd/core/random.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace usherd::flow {

/// What a record of a test is for.
enum class Kind : std::uint8_t {
  good,
  anonymous,  ///< neither uid nor id
  bad_local,  ///< a rule of validate refuses it
  bad_api,    ///< its uid holds kBadUid, which the server is told to refuse
};

inline constexpr const char* kBadUid = "poison";

struct Planned {
  Kind kind = Kind::good;
  std::string user;
  std::uint64_t seq = 0;  ///< grows in acceptance order, one sequence for all users
};

/// A file to be dropped, and what is in each of its lines.
struct PlannedFile {
  std::string name;
  std::string bytes;
  std::map<std::uint64_t, Planned> lines;  ///< by line number of the file as dropped
  bool damaged = false;                    ///< a document that is to be refused whole
};

/// Writes files of records whose properties say where in a user's updates they stand.
class Workload {
 public:
  explicit Workload(std::uint64_t seed) : random_(seed) {}

  struct Mix {
    std::uint64_t records = 20;
    std::uint64_t users = 8;
    double hot = 0;        ///< part of the records that belong to one user
    double anonymous = 0;  ///< parts of the records
    double bad_local = 0;
    double bad_api = 0;
    double unmergeable = 0;  ///< part of the records that hold a null
    bool json = false;       ///< a document instead of lines
    bool damaged = false;
    std::uint64_t padding = 0;  ///< bytes of a further property, at most
  };
  const PlannedFile& add(const Mix& mix);
  [[nodiscard]] const std::vector<PlannedFile>& files() const { return files_; }
  [[nodiscard]] std::uint64_t records() const { return seq_; }

 private:
  [[nodiscard]] std::string record(Planned& planned, const Mix& mix);

  Random random_;
  std::vector<PlannedFile> files_;
  std::uint64_t seq_ = 0;
};

}  // namespace usherd::flow
