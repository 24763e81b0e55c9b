#include "tests/flow/world/world.hpp"
#include "usherd/core/random.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <queue>
#include <string>
#include <vector>

// What usherd gets out of the organisation's limits. The whole daemon, with its default configuration, runs
// against the sandbox's own organisation in virtual time, so that jobs may last minutes. Held against a
// scheduler that knows everything: it starts a job of the best size the moment one ends, and never one that
// would be refused.

namespace usherd::bench {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

/// The organisation's limits, and usherd's of docs/operating.md below them.
constexpr double kOrgOperations = 500'000;
constexpr double kOrgRunning = 100;
constexpr double kOurOperations = 450'000;
constexpr double kOurBatches = 90;
constexpr double kBatch = kOurOperations / kOurBatches;
/// How often the organisation changes.
constexpr auto kStep = 5s;
constexpr double kAnswerMs = 50;

/// What a job of kBatch records takes in seconds: `fixed` + `each` for a thousand records + up to `spread`.
struct JobTimes {
  double fixed = 20;
  double each = 8;
  double spread = 0;
};

struct Scenario {
  std::string name;
  std::function<JobTimes(double)> jobs;  ///< by the second
  std::function<double(double)>
      neighbour;  ///< part of the organisation's budget that others hold, by the second
  bool has_neighbour = false;
};

struct Outcome {
  double share = 0;                      ///< of what the ideal scheduler delivered in the window
  double refused = 0;                    ///< part of the POSTs in the window that were answered 429
  double polls = 0;                      ///< a finished job
  double reuse_mean = 0, reuse_p99 = 0;  ///< of a freed slot, in seconds
  double job_mean = 0;
  std::uint64_t posts = 0, refusals = 0, delivered = 0;
};

JobTimes steady(double) {
  return {};
}

/// From 20 s to 200 s and back, in half an hour.
JobTimes drifting(double at) {
  const double factor = std::pow(10, 0.5 - 0.5 * std::cos(2 * std::numbers::pi * at / 1800));
  return {7 * factor, 2.6 * factor, 0};
}

JobTimes drifting_and_varying(double at) {
  auto times = drifting(at);
  times.spread = times.fixed + times.each * kBatch / 1000;
  return times;
}

/// A neighbour that jumps: every `seconds` to another part between 0 and 60 %.
struct Restless {
  double seconds = 180;
  std::uint64_t seed = 1000;

  double operator()(double at) const {
    Random random(seed + static_cast<std::uint64_t>(at / seconds));
    return 0.6 * random.unit();
  }
};

/// Rises slowly to 60 %, and goes at once.
double sawtooth(double at) {
  return 0.6 * std::fmod(at, 900) / 900;
}

std::vector<Scenario> scenarios(const Restless& restless) {
  const auto nobody = [](double) { return 0.0; };
  return {
      {"job time 20 s + 8 s a thousand", steady, nobody},
      {"job time between 12 s and 120 s by chance",
       [](double) {
         return JobTimes{6, 1.2, 108};
       },
       nobody},
      {"job time drifts between 20 s and 200 s", drifting, nobody},
      {"drifts so, and varies twofold by chance", drifting_and_varying, nobody},
      {"a neighbour holds 30 %", steady, [](double) { return 0.3; }, true},
      {"a neighbour holds 0 to 60 %, another part every 3 minutes", steady, restless, true},
      {"a neighbour rises to 60 % in 15 minutes and goes", steady, sawtooth, true},
      {"neighbour as before the last, job time drifts and varies", drifting_and_varying, restless, true},
  };
}

std::uint64_t others(double share, double whole) {
  return static_cast<std::uint64_t>(std::llround(share * whole));
}

/// Batches that may be in progress beside the neighbour.
double places(const Scenario& scenario, double at) {
  const double share = scenario.neighbour(at);
  const double by_operations = std::floor((kOrgOperations - std::round(share * kOrgOperations)) / kBatch);
  return std::min({kOurBatches, by_operations, kOrgRunning - std::round(share * kOrgRunning)});
}

/// Records that the scheduler who knows everything delivers from `from` to `to`.
double ideal(const Scenario& scenario, double from, double to, std::uint64_t seed) {
  Random random(seed);
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;
  double delivered = 0;
  const double step = Seconds(kStep).count();
  for (double begin = 0; begin < to; begin += step) {
    double now = begin;
    while (true) {
      const auto times = scenario.jobs(begin);
      while (static_cast<double>(ends.size()) < places(scenario, begin))
        ends.push(now + times.fixed + times.each * kBatch / 1000 + times.spread * random.unit());
      if (ends.empty() || ends.top() >= std::min(begin + step, to))
        break;
      now = std::max(begin, ends.top());
      delivered += now >= from ? kBatch : 0;
      ends.pop();
    }
  }
  return delivered;
}

class BudgetBench {
 public:
  BudgetBench(const Scenario& scenario, double warm_up, double length, std::uint64_t seed)
      : scenario_(scenario), warm_up_(warm_up), length_(length), seed_(seed), world_(options(seed)) {}

  Outcome run() {
    refill();
    change(0);
    if (!world_.start())
      throw std::runtime_error("the daemon does not start");
    began_ = world_.server_now();
    std::uint64_t posts = 0;
    std::uint64_t refused = 0;
    for (double at = 0; at < length_; at += Seconds(kStep).count()) {
      change(at);
      refill();
      if (at >= warm_up_ && posts == 0) {
        posts = world_.server.organisation.oracle().posts;
        refused = world_.server.organisation.oracle().answered_429;
      }
      world_.run_for(kStep);
    }
    const auto seen = world_.server.organisation.oracle();
    world_.crash(flow::Loss::nothing);
    Outcome outcome;
    outcome.posts = seen.posts - posts;
    outcome.refusals = seen.answered_429 - refused;
    outcome.refused = static_cast<double>(outcome.refusals) / static_cast<double>(outcome.posts);
    look_at_jobs(outcome, seen);
    return outcome;
  }

 private:
  static flow::World::Options options(std::uint64_t seed) {
    flow::World::Options options;
    options.seed = seed;
    // The defaults, but for where the server is.
    const auto base = options.config;
    options.config = Config();
    options.config.api.base_url = base.api.base_url;
    options.config.spool.directory = base.spool.directory;
    options.config.state.directory = base.state.directory;
    options.settings.store_users = false;
    options.settings.retention = 20min;
    options.settings.answer_time = Milliseconds(static_cast<std::int64_t>(kAnswerMs));
    return options;
  }

  void change(double at) {
    auto& organisation = world_.server.organisation;
    const auto times = scenario_.jobs(at);
    const auto ms = [](double seconds) { return Milliseconds(std::llround(seconds * 1000)); };
    organisation.settings.job_time.fixed = ms(times.fixed);
    organisation.settings.job_time_per_thousand = ms(times.each);
    organisation.settings.job_time_spread = ms(times.spread);
    const double share = scenario_.neighbour(at);
    organisation.jobs.set_neighbour({others(share, kOrgRunning), others(share, kOrgOperations)});
  }

  /// Keeps more waiting than can be sent before the next look.
  void refill() {
    constexpr std::uint64_t kAhead = 1'000'000;
    constexpr std::uint64_t kFile = 100'000;
    while (dropped_ < world_.server.organisation.oracle().records_received + kAhead) {
      std::string lines;
      for (std::uint64_t i = 0; i < kFile; ++i)
        lines += fmt::format("{{\"uid\":\"u{}\"}}\n", dropped_ + i);
      world_.drop(fmt::format("f{:06}.ndjson", dropped_ / kFile), lines);
      dropped_ += kFile;
    }
  }

  void look_at_jobs(Outcome& outcome, const sandbox::Oracle& seen) {
    std::vector<double> created;
    std::vector<double> ended;
    double time = 0;
    const auto seconds = [&](WallTime at) { return Seconds(at - began_).count(); };
    for (const auto& job : world_.server.organisation.jobs.all()) {
      created.push_back(seconds(job.created));
      if (job.state != sandbox::JobState::done)
        continue;
      ended.push_back(seconds(job.finished));
      time += seconds(job.finished) - seconds(job.started);
      outcome.delivered += ended.back() >= warm_up_ && ended.back() < length_ ? job.records : 0;
    }
    double best = 0;
    constexpr int kDraws = 5;
    for (int i = 0; i < kDraws; ++i)
      best += ideal(scenario_, warm_up_, length_, seed_ + 100 + i) / kDraws;
    outcome.share = static_cast<double>(outcome.delivered) / best;
    outcome.job_mean = time / static_cast<double>(ended.size());
    const auto polls = seen.requests[static_cast<std::size_t>(sandbox::Call::status)];
    outcome.polls = static_cast<double>(polls) / static_cast<double>(ended.size());
    reuse(outcome, created, ended);
  }

  /// The n-th end frees the place that the n-th job beyond the first `kOurBatches` takes.
  void reuse(Outcome& outcome, std::vector<double> created, std::vector<double> ended) const {
    std::sort(created.begin(), created.end());
    std::sort(ended.begin(), ended.end());
    std::vector<double> waits;
    const auto first = static_cast<std::size_t>(kOurBatches);
    for (std::size_t i = 0; i < ended.size() && first + i < created.size(); ++i) {
      if (ended[i] >= warm_up_)
        waits.push_back(created[first + i] - ended[i]);
    }
    if (waits.empty())
      return;
    std::sort(waits.begin(), waits.end());
    outcome.reuse_mean = std::accumulate(waits.begin(), waits.end(), 0.0) / static_cast<double>(waits.size());
    outcome.reuse_p99 = waits[waits.size() * 99 / 100];
  }

  const Scenario& scenario_;
  double warm_up_;
  double length_;
  std::uint64_t seed_;
  flow::World world_;
  WallTime began_{};
  std::uint64_t dropped_ = 0;
};

void print(const Scenario& scenario, const Outcome& outcome) {
  const auto reuse = scenario.has_neighbour
                         ? std::string("-")
                         : fmt::format("{:.2f} s, p99 {:.2f} s ({:.1f} %, {:.1f} %)", outcome.reuse_mean,
                                       outcome.reuse_p99, 100 * outcome.reuse_mean / outcome.job_mean,
                                       100 * outcome.reuse_p99 / outcome.job_mean);
  fmt::print("| {} | {:.1f} % | {:.2f} % ({} of {}) | {:.2f} | {} | {:.0f} s |\n", scenario.name,
             100 * outcome.share, 100 * outcome.refused, outcome.refusals, outcome.posts, outcome.polls,
             reuse, outcome.job_mean);
  std::fflush(stdout);
}

}  // namespace
}  // namespace usherd::bench

int main(int count, char** arguments) {
  using namespace usherd::bench;
  CLI::App app(
      "What usherd gets out of the organisation's limits, in virtual time: a line of markdown a scenario.");
  double minutes = 60;
  double warm_up = 5;
  std::uint64_t seed = 1;
  Restless restless;
  std::vector<std::size_t> only;
  app.add_option("--minutes", minutes, "length of a scenario, in virtual minutes")->capture_default_str();
  app.add_option("--warm-up", warm_up, "minutes of it that do not count")->capture_default_str();
  app.add_option("--seed", seed)->capture_default_str();
  app.add_option("--neighbour-seed", restless.seed, "of the parts that the neighbour who jumps takes")
      ->capture_default_str();
  app.add_option("--neighbour-seconds", restless.seconds, "how long it keeps each")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--only", only, "numbers of scenarios, from 1");
  CLI11_PARSE(app, count, arguments);
  fmt::print(
      "| scenario | delivered of the ideal | POSTs answered 429 | polls a job | freed slot in use after, "
      "mean and "
      "p99 (of the job time) | mean job time |\n|---|---|---|---|---|---|\n");
  const auto all = scenarios(restless);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (only.empty() || std::find(only.begin(), only.end(), i + 1) != only.end())
      print(all[i], BudgetBench(all[i], warm_up * 60, minutes * 60, seed).run());
  }
  return 0;
}
