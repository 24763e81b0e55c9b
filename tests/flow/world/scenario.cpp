#include "tests/flow/world/scenario.hpp"

#include "usherd/core/random.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>

namespace usherd::flow {
namespace {

using namespace std::chrono_literals;
using sandbox::FaultAction;
using sandbox::FaultRule;

/// What a theme adds to the common.
struct Draft {
  Scenario scenario;
  Workload::Mix mix;
  Random random;

  FaultRule& fault(FaultAction action, std::optional<sandbox::Call> call = std::nullopt) {
    FaultRule rule;
    rule.action = action;
    rule.call = call;
    return scenario.faults.emplace_back(rule);
  }
  sandbox::Settings& settings() { return scenario.options.settings; }
  Config& config() { return scenario.options.config; }
  bool coin() { return random.up_to(1) == 1; }
};

void plain(Draft& draft) {
  draft.mix.hot = 0.5;
}

void bad_records(Draft& draft) {
  draft.mix.bad_local = 0.15;
  draft.mix.bad_api = 0.2;
  draft.settings().page_size = 1 + draft.random.up_to(2);
  draft.settings().results_lag = draft.random.up_to(2);
  draft.settings().last_token = draft.coin() ? sandbox::LastToken::empty : sandbox::LastToken::absent;
  draft.settings().status_with_errors =
      draft.coin() ? sandbox::FailedWord::failed : sandbox::FailedWord::completed;
}

void halving(Draft& draft) {
  draft.mix.bad_api = 0.1;
  draft.mix.hot = 0.3;
  draft.settings().bad_records = sandbox::BadRecords::strict;
}

void documents(Draft& draft) {
  draft.mix.json = true;
  draft.mix.bad_local = 0.1;
  draft.mix.bad_api = 0.1;
}

void server_errors(Draft& draft) {
  draft.settings().idempotency = sandbox::Idempotency::newer;
  constexpr std::array<unsigned, 4> kCodes{501, 502, 503, 504};
  auto& create = draft.fault(FaultAction::status, sandbox::Call::create);
  create.code = kCodes[draft.random.up_to(3)];
  create.probability = 0.3;
  create.proxy = draft.coin();
  create.body = draft.coin() ? sandbox::FaultBody::html : sandbox::FaultBody::json;
  auto& status = draft.fault(FaultAction::status, sandbox::Call::status);
  status.code = 500;
  status.probability = 0.3;
  draft.fault(FaultAction::status, sandbox::Call::errors).times = 2;
  draft.mix.bad_api = 0.1;
}

void resets(Draft& draft) {
  constexpr std::array kActions{FaultAction::reset_before,
                                FaultAction::reset_mid_body,
                                FaultAction::reset_after_commit,
                                FaultAction::hang_after_commit,
                                FaultAction::truncate,
                                FaultAction::garbage,
                                FaultAction::hang,
                                FaultAction::close_after};
  for (int i = 0; i < 3; ++i)
    draft.fault(kActions[draft.random.up_to(kActions.size() - 1)]).probability = 0.12;
  auto& first = draft.fault(FaultAction::reset_after_commit, sandbox::Call::create);
  first.times = 2;
  draft.mix.hot = 0.3;
}

void crowded(Draft& draft) {
  draft.settings().in_progress_batches = 1 + draft.random.up_to(1);
  draft.settings().running_batches = 1;
  draft.settings().retry_after =
      draft.coin() ? sandbox::RetryAfter::seconds : static_cast<sandbox::RetryAfter>(draft.random.up_to(5));
  if (draft.settings().retry_after == sandbox::RetryAfter::huge)
    draft.settings().retry_after = sandbox::RetryAfter::missing;
}

void failing_jobs(Draft& draft) {
  auto& fail = draft.fault(FaultAction::job_fail, sandbox::Call::create);
  fail.times = 1 + draft.random.up_to(1);
  fail.after = draft.random.up_to(2);
  draft.mix.hot = 0.4;
}

void vanishing_jobs(Draft& draft) {
  auto& vanish = draft.fault(draft.coin() ? FaultAction::job_vanish : FaultAction::job_vanish_applied,
                             sandbox::Call::create);
  vanish.times = 1;
  vanish.after = draft.random.up_to(2);
  draft.mix.hot = 0.3;
  draft.scenario.allowed.unknown = true;
}

void rekeyed(Draft& draft) {
  draft.mix.hot = 0.3;
  // Once: a second key that holds a stored 500 while nobody else passes waits for a day.
  auto& fault = draft.fault(FaultAction::status, sandbox::Call::create);
  fault.code = 500;
  fault.times = 1;
  fault.after = draft.random.up_to(2);
}

void small_bodies(Draft& draft) {
  draft.mix.padding = 60;
  draft.settings().max_body = 420;
  draft.settings().over_body = static_cast<sandbox::OverBody>(draft.random.up_to(1));
  draft.config().batch.max_records = 8;
}

void without_merging(Draft& draft) {
  draft.mix.hot = 0.4;
  draft.mix.bad_api = 0.1;
  draft.mix.unmergeable = 0.3;
  draft.config().records.merge = draft.coin();
  draft.config().records.anonymous = AnonymousRecords::accept;
  draft.mix.anonymous = 0.2;
}

void blind(Draft& draft) {
  draft.settings().role = sandbox::Role::user;
  draft.mix.bad_api = 0.1;
  draft.scenario.allowed.unknown = true;
}

/// A merged record that the API refuses is taken apart.
void taken_apart(Draft& draft) {
  draft.mix.hot = 0.7;
  draft.mix.users = 2;
  draft.settings().record_error_probability = 0.15;
  draft.scenario.allowed.good_rejected = true;
  draft.config().batch.max_records = 3;
}

struct Theme {
  std::string_view name;
  void (*apply)(Draft&);
};

constexpr std::array kThemes{Theme{"plain", plain},
                             Theme{"bad records", bad_records},
                             Theme{"halving", halving},
                             Theme{"documents", documents},
                             Theme{"server errors", server_errors},
                             Theme{"resets", resets},
                             Theme{"crowded", crowded},
                             Theme{"failing jobs", failing_jobs},
                             Theme{"vanishing jobs", vanishing_jobs},
                             Theme{"rekeyed", rekeyed},
                             Theme{"small bodies", small_bodies},
                             Theme{"without merging", without_merging},
                             Theme{"blind", blind},
                             Theme{"taken apart", taken_apart}};

void common(Draft& draft) {
  auto& random = draft.random;
  auto& config = draft.config();
  config.batch.max_records = 3 + random.up_to(4);
  config.batch.linger = Milliseconds(100 + random.up_to(900));
  config.limits.in_progress_batches = 2 + random.up_to(4);
  config.limits.in_progress_operations = 15 + random.up_to(20);
  config.api.sessions = static_cast<unsigned>(1 + random.up_to(3));
  auto& settings = draft.settings();
  settings.job_time.fixed = Milliseconds(100 + random.up_to(1000));
  settings.job_time_spread = Milliseconds(random.up_to(3000));
  settings.apply_order = sandbox::ApplyOrder::random;
  settings.idempotency = draft.coin() ? sandbox::Idempotency::newer : sandbox::Idempotency::older;
  settings.reject_uids_with = kBadUid;
  settings.omit_defaults = draft.coin();
  settings.explicit_nulls = draft.coin();
  settings.extra_fields = draft.coin();
  settings.shuffle_fields = draft.coin();
  draft.scenario.options.watch = draft.coin();
  draft.mix.records = 6 + random.up_to(10);
  draft.mix.users = 2 + random.up_to(10);
}

}  // namespace

std::size_t theme_count() {
  return kThemes.size();
}

Scenario make_scenario(std::size_t theme, std::uint64_t seed) {
  Draft draft{{}, {}, Random(seed * 1000 + theme)};
  draft.scenario.name = fmt::format("{} (theme {}, seed {})", kThemes[theme].name, theme, seed);
  draft.scenario.options.seed = seed * 7919 + theme;
  common(draft);
  kThemes[theme].apply(draft);
  Workload workload(seed * 31 + theme);
  const auto files = 1 + draft.random.up_to(2);
  std::chrono::milliseconds at{0};
  for (std::uint64_t i = 0; i < files; ++i) {
    auto mix = draft.mix;
    mix.damaged = mix.json && draft.random.up_to(3) == 0;
    workload.add(mix);
    draft.scenario.drops.push_back(at);
    at += std::chrono::milliseconds(draft.coin() ? 0 : draft.random.up_to(15'000));
  }
  draft.scenario.files = workload.files();
  return std::move(draft.scenario);
}

Play::Play(const Scenario& scenario)
    : world(scenario.options), scenario_(scenario), began_(world.server_now()) {
  world.server.organisation.faults.add(scenario.faults);
}

void Play::drop_due() {
  while (dropped_ < scenario_.files.size() && began_ + scenario_.drops[dropped_] <= world.server_now()) {
    world.drop(scenario_.files[dropped_].name, scenario_.files[dropped_].bytes);
    ++dropped_;
  }
}

bool Play::is_finished() const {
  return dropped_ == scenario_.files.size() && world.settled() && world.nothing_works();
}

bool Play::go_on() {
  drop_due();
  try {
    if (!world.start())
      return false;
    while (dropped_ < scenario_.files.size()) {
      const auto wait = began_ + scenario_.drops[dropped_] - world.server_now();
      world.run_for(std::max<std::chrono::nanoseconds>(wait, 1ms));
      if (world.effects.stopped())
        return false;
      drop_due();
    }
    if (!world.run_until(48h, [this] { return is_finished(); })) {
      if (!world.effects.stopped())
        failure_ = "did not settle within two days";
      return false;
    }
    world.stop();
    return !world.effects.stopped();
  } catch (const std::exception& error) {
    failure_ = error.what();
    return false;
  }
}

}  // namespace usherd::flow
