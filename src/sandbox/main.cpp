#include "usherd/sandbox/sandbox.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace sandbox = usherd::sandbox;
using usherd::Errc;
using usherd::Error;
using usherd::Result;

constexpr int kUsage = 64;

struct Arguments {
  sandbox::SandboxOptions options;
  std::string settings_file;
  std::vector<std::string> set;
  std::string faults_file;
  bool verbose = false;
};

void declare(CLI::App& app, Arguments& arguments) {
  sandbox::SandboxOptions& options = arguments.options;
  app.add_option("--port", options.port, "Port of the API on 127.0.0.1; 0 takes a free one");
  app.add_option("--control-port", options.control_port, "Port of the control calls; 0 takes a free one");
  app.add_option("--certificate-dir", options.certificate_dir,
                 "Where ca.pem and ca.key are kept; by default a fresh directory, removed at the end");
  app.add_option("--key", options.key, "The API key to accept; by default one is made up");
  app.add_option("--settings", arguments.settings_file, "Settings as a JSON object in a file");
  app.add_option("--set", arguments.set, "One setting, as name=value; may be repeated")->take_all();
  app.add_option("--faults", arguments.faults_file, "Fault rules as JSON in a file");
  app.add_option("--seed", options.seed, "Seed of everything that is left to chance");
  app.add_flag("--plain", options.plain, "Serve the API without TLS");
  app.add_flag("--verbose", arguments.verbose, "Say on stderr what was started and how it ended");
}

Result<std::string> read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error{Errc::not_found, path + ": cannot be read"};
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<sandbox::Settings> settings_of(const Arguments& arguments) {
  Result<sandbox::Settings> settings = sandbox::Settings();
  if (!arguments.settings_file.empty()) {
    const auto text = read_whole(arguments.settings_file);
    if (!text)
      return text.error();
    settings = sandbox::with_json(*settings, *text);
    if (!settings)
      return settings.error().within(arguments.settings_file);
  }
  for (const std::string& pair : arguments.set) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos)
      return Error{Errc::invalid, "--set takes name=value, not '" + pair + "'"};
    settings = sandbox::with_text(*settings, pair.substr(0, equals), pair.substr(equals + 1));
    if (!settings)
      return settings.error();
  }
  return settings;
}

Result<std::unique_ptr<sandbox::Sandbox>> start(Arguments& arguments) {
  auto settings = settings_of(arguments);
  if (!settings)
    return settings.error();
  arguments.options.settings = std::move(*settings);
  auto running = sandbox::Sandbox::start(arguments.options);
  if (!running || arguments.faults_file.empty())
    return running;
  const auto text = read_whole(arguments.faults_file);
  if (!text)
    return text.error();
  if (auto done = (*running)->add_faults(*text); !done)
    return done.error().within(arguments.faults_file);
  return running;
}

void announce(const sandbox::Sandbox& running) {
  boost::json::object line;
  line["api"] = running.api_url();
  line["port"] = running.port();
  line["control"] = running.control_url();
  line["control_port"] = running.control_port();
  line["ca_file"] = running.ca_file();
  line["key"] = running.key();
  line["pid"] = ::getpid();
  std::puts(boost::json::serialize(line).c_str());
  std::fflush(stdout);
}

int serve(int argc, char** argv) {
  CLI::App app("A local stand-in for FullStory's users batch API, with faults and an oracle");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : kUsage;
  }
  // Blocked before the server's thread is made, so that only sigwait() below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  auto running = start(arguments);
  if (!running) {
    std::fprintf(stderr, "usher-sandbox: %s\n", running.error().message.c_str());
    return 1;
  }
  announce(**running);
  int signal = 0;
  sigwait(&signals, &signal);
  running->reset();
  if (arguments.verbose)
    std::fprintf(stderr, "usher-sandbox: ended by signal %d\n", signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return serve(argc, argv);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "usher-sandbox: internal error: %s\n", bug.what());
    return 1;
  }
}
