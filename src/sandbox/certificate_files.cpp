#include "src/sandbox/certificate_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace usherd::sandbox {
namespace {

namespace fs = std::filesystem;

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> write_whole(const std::string& path, const std::string& text, mode_t mode) {
  ::unlink(path.c_str());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0)
    return Error::system(errno, path);
  const auto written = ::write(file, text.data(), text.size());
  const int failure = errno;
  ::close(file);
  if (written != static_cast<ssize_t>(text.size()))
    return Error::system(failure, path);
  return {};
}

Result<CertificateAuthority> authority_in(const std::string& directory) {
  Identity kept;
  kept.certificate = read_whole(directory + "/ca.pem");
  kept.key = read_whole(directory + "/ca.key");
  if (!kept.certificate.empty() && !kept.key.empty())
    return CertificateAuthority::load(kept);
  auto made = CertificateAuthority::make("usher-sandbox authority");
  if (!made)
    return made.error();
  if (auto done = write_whole(directory + "/ca.pem", made->identity().certificate, 0644); !done)
    return done.error();
  if (auto done = write_whole(directory + "/ca.key", made->identity().key, 0600); !done)
    return done.error();
  return made;
}

}  // namespace

Result<CertificateFiles> CertificateFiles::open(const std::string& directory) {
  CertificateFiles files;
  std::error_code failure;
  if (directory.empty()) {
    const char* base = std::getenv("TMPDIR");
    std::string path =
        std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/usher-sandbox-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
      return Error::system(errno, path);
    files.directory_ = path;
    files.made_ = true;
  } else {
    fs::create_directories(directory, failure);
    if (failure)
      return Error::system(failure.value(), directory);
    files.directory_ = fs::absolute(directory, failure).string();
  }
  if (auto done = files.fill(); !done)
    return done.error();
  return files;
}

Result<void> CertificateFiles::fill() {
  const auto authority = authority_in(directory_);
  if (!authority)
    return authority.error();
  const auto stranger = CertificateAuthority::make("an authority nobody knows");
  if (!stranger)
    return stranger.error();
  const std::vector<std::string> names{"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
  std::array<CertificateWish, 4> wishes;
  for (CertificateWish& wish : wishes)
    wish.names = names;
  auto& expired = wishes[static_cast<std::size_t>(Certificate::expired)];
  expired.from_days = -30;
  expired.until_days = -1;
  wishes[static_cast<std::size_t>(Certificate::wrong_host)].names = {"DNS:elsewhere.invalid"};
  for (std::size_t kind = 0; kind < wishes.size(); ++kind) {
    const bool strange = kind == static_cast<std::size_t>(Certificate::unknown_authority);
    auto identity = (strange ? *stranger : *authority).issue(wishes[kind]);
    if (!identity)
      return identity.error();
    identities_[kind] = std::move(*identity);
  }
  return {};
}

CertificateFiles::CertificateFiles(CertificateFiles&& other) noexcept
    : directory_(std::move(other.directory_)),
      made_(std::exchange(other.made_, false)),
      identities_(std::move(other.identities_)) {}

CertificateFiles::~CertificateFiles() {
  if (!made_)
    return;
  std::error_code ignored;
  fs::remove(directory_ + "/ca.pem", ignored);
  fs::remove(directory_ + "/ca.key", ignored);
  fs::remove(directory_, ignored);
}

}  // namespace usherd::sandbox
