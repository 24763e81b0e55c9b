#pragma once

#include "src/sandbox/certificate_authority.hpp"
#include "usherd/core/result.hpp"
#include "usherd/sandbox/settings.hpp"

#include <array>
#include <string>

namespace usherd::sandbox {

/// The sandbox's certificates: an authority kept as ca.pem and ca.key in a directory, and a server
/// certificate of each kind. A directory it made itself it removes with its files.
class CertificateFiles {
 public:
  /// An empty directory means a fresh one under TMPDIR. An authority found there is used again.
  [[nodiscard]] static Result<CertificateFiles> open(const std::string& directory);
  ~CertificateFiles();
  CertificateFiles(CertificateFiles&& other) noexcept;
  CertificateFiles& operator=(CertificateFiles&&) = delete;

  [[nodiscard]] std::string ca_file() const { return directory_ + "/ca.pem"; }
  [[nodiscard]] const Identity& identity(Certificate kind) const {
    return identities_[static_cast<std::size_t>(kind)];
  }

 private:
  CertificateFiles() = default;
  [[nodiscard]] Result<void> fill();

  std::string directory_;
  bool made_ = false;
  std::array<Identity, 4> identities_;
};

}  // namespace usherd::sandbox
