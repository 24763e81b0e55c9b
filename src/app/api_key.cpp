#include "usherd/app/api_key.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

namespace usherd {
namespace {

constexpr std::size_t kMostBytes = 4096;

Error refuse(const std::string& file, std::string_view why) {
  return {Errc::invalid, fmt::format("{}: {}", file, why)};
}

/// A file open for reading; closed at the end.
class Descriptor {
 public:
  explicit Descriptor(const std::string& file)
      : number_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~Descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

/// The buffer a secret is read into; overwritten at the end.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { wipe_memory(bytes_.data(), bytes_.size()); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] Result<void> fill(int descriptor, const std::string& file) {
    while (size_ < bytes_.size()) {
      const auto count = ::read(descriptor, bytes_.data() + size_, bytes_.size() - size_);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return Error::system(errno, file);
      if (count == 0)
        return {};
      size_ += static_cast<std::size_t>(count);
    }
    return refuse(file, "larger than 4 KiB; it must hold the secret and nothing else");
  }
  [[nodiscard]] std::string_view trimmed() const {
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    std::string_view text(bytes_.data(), size_);
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos)
      return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
  }

 private:
  std::array<char, kMostBytes + 1> bytes_{};
  std::size_t size_ = 0;
};

enum class Mode { checked, any };
enum class Spaces { refused, kept };

Result<void> check_characters(std::string_view secret, const std::string& file, Spaces spaces) {
  if (secret.empty())
    return refuse(file, "empty; write the secret into it");
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == ' ' && spaces == Spaces::refused)
      return refuse(file, "has a space inside; write the bare key, without \"Basic\" and on one line");
    if (byte < 0x20 || byte >= 0x7F)
      return refuse(file,
                    "holds a line break, a control character or one that is not ASCII; write the secret "
                    "alone, on one line");
  }
  return {};
}

/// Where a group may read it already, the reader is the wrong one and not the file.
std::string advice_for_closed(const std::string& file) {
  struct stat status {};
  const bool is_shared =
      ::stat(file.c_str(), &status) == 0 && status.st_gid != 0 && (status.st_mode & S_IRGRP) != 0;
  if (!is_shared)
    return fmt::format("; chown root:usherd {0} && chmod 0640 {0}", file);
  const auto* group = ::getgrgid(status.st_gid);
  return fmt::format("; root and the group {} may read it: be one of them",
                     group == nullptr ? std::to_string(status.st_gid) : group->gr_name);
}

Result<Secret> read_secret(const std::string& file, Mode mode, Spaces spaces) {
  const Descriptor descriptor(file);
  if (descriptor.number() < 0) {
    const int number = errno;
    auto error = Error::system(number, file);
    error.message += number == ENOENT ? "; write the secret into it, mode 0640, owned by root:usherd"
                                      : advice_for_closed(file);
    return error;
  }
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0)
    return Error::system(errno, file);
  if (!S_ISREG(status.st_mode))
    return refuse(file, "not a regular file");
  if (mode == Mode::checked && (status.st_mode & 07U) != 0)
    return refuse(file,
                  fmt::format("everybody on this machine may read or write it (mode {:04o}); chmod 0640 {}",
                              status.st_mode & 07777U, file));
  Buffer buffer;
  if (const auto filled = buffer.fill(descriptor.number(), file); !filled)
    return filled.error();
  const auto secret = buffer.trimmed();
  if (const auto good = check_characters(secret, file, spaces); !good)
    return good.error();
  return Secret(secret);
}

/// The file of the credential where there is one.
std::optional<std::string> credential_file(const Environment& environment) {
  const auto directory = environment("CREDENTIALS_DIRECTORY");
  if (!directory || !directory->starts_with('/'))
    return std::nullopt;
  auto file = *directory + "/api-key";
  return ::access(file.c_str(), F_OK) == 0 ? std::optional(std::move(file)) : std::nullopt;
}

}  // namespace

bool has_credential_key(const Environment& environment) {
  return credential_file(environment).has_value();
}

Result<Secret> read_api_key(const std::string& key_file, const Environment& environment) {
  // systemd itself keeps credentials from others, whatever mode they show.
  if (const auto credential = credential_file(environment)) {
    auto secret = read_secret(*credential, Mode::any, Spaces::refused);
    if (!secret)
      return secret.error().within("API key");
    return secret;
  }
  auto secret = read_secret(key_file, Mode::checked, Spaces::refused);
  if (!secret)
    return secret.error().within("API key");
  return secret;
}

Result<Secret> read_proxy_credentials(const std::string& file) {
  auto secret = read_secret(file, Mode::checked, Spaces::kept);
  if (!secret)
    return secret.error().within("proxy credentials");
  if (secret->reveal().find(':') == std::string_view::npos)
    return refuse(file, "not user:password").within("proxy credentials");
  return secret;
}

Result<void> forbid_core_dumps() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return Error::system(errno, "prctl(PR_SET_DUMPABLE)");
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0)
    return Error::system(errno, "setrlimit(RLIMIT_CORE)");
  return {};
}

}  // namespace usherd
