#pragma once

#include "usherd/app/environment.hpp"
#include "usherd/core/log.hpp"
#include "usherd/core/result.hpp"
#include "usherd/core/secret.hpp"

#include <functional>
#include <string>

namespace usherd {

/// The API key as it is now: read at start, again on reload and when the API refuses it. Owns the secret.
class KeyHolder {
 public:
  KeyHolder(std::string key_file, Environment environment, Log& log)
      : key_file_(std::move(key_file)), environment_(std::move(environment)), log_(log) {}

  /// Reads the key; on an error the old one stays.
  [[nodiscard]] Result<void> read();
  /// read(), with a failure only logged.
  void reread();
  /// Called when another key than the one before was read.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
  void set_key_file(std::string key_file) { key_file_ = std::move(key_file); }
  /// What to do when the API refuses the key: names what stood in the way of reading another one last, or the
  /// systemd credential that wins over the key file.
  [[nodiscard]] std::string advice() const;
  /// The value of the Authorization header: the key verbatim behind "Basic " [AUTH].
  [[nodiscard]] std::string authorization() const;

 private:
  std::string key_file_;
  Environment environment_;
  Log& log_;
  Secret key_;
  std::string fault_;  ///< of the last read, if it failed
  std::function<void()> changed_;
};

}  // namespace usherd
