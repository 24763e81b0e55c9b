#include "src/sandbox/job_table.hpp"

#include <algorithm>

namespace usherd::sandbox {
namespace {

Milliseconds drawn_time(const Job& job, const Settings& settings, Random& random) {
  auto time = settings.job_time.fixed;
  time += settings.job_time_per_thousand * static_cast<std::int64_t>(job.records) / 1000;
  if (settings.job_time_spread.count() > 0)
    time += Milliseconds(random.up_to(static_cast<std::uint64_t>(settings.job_time_spread.count())));
  return time;
}

}  // namespace

bool JobTable::is_full(std::uint64_t records, const Settings& settings) const {
  if (in_progress_batches() + neighbour_.batches >= settings.in_progress_batches)
    return true;
  const std::uint64_t operations = operations_ + neighbour_.operations;
  if (settings.crossing == Crossing::whole)
    return operations + records > settings.in_progress_operations;
  return operations >= settings.in_progress_operations;
}

Job& JobTable::enter(Job job, WallTime now, const Settings& settings, Random& random) {
  job.created = now;
  job.lag_imports = settings.results_lag;
  job.lag_errors = settings.results_lag;
  Job& entered = jobs_.emplace_back(std::move(job));
  by_id_[entered.id] = &entered;
  operations_ += entered.records;
  waiting_.push_back(&entered);
  start_waiting(now, settings, random);
  return entered;
}

void JobTable::start(Job& job, WallTime now, const Settings& settings, Random& random) {
  job.state = JobState::running;
  job.started = now;
  const bool endless = settings.job_time.manual || job.fate == JobFate::stuck;
  job.due = endless ? WallTime::max() : now + drawn_time(job, settings, random);
  running_.emplace(job.due, &job);
}

void JobTable::start_waiting(WallTime now, const Settings& settings, Random& random) {
  while (!waiting_.empty() && running_.size() + neighbour_.batches < settings.running_batches) {
    Job* job = waiting_.front();
    waiting_.pop_front();
    start(*job, now, settings, random);
  }
}

void JobTable::end(Job& job, WallTime now, const Settings& settings) {
  job.state = JobState::done;
  job.finished = now;
  operations_ -= job.records;
  if (settings.retention.count() > 0)
    ended_.push_back(&job);
}

std::vector<Job*> JobTable::take_due(WallTime now, const Settings& settings, Random& random) {
  std::vector<Job*> taken;
  while (!running_.empty() && running_.begin()->first <= now) {
    Job* job = running_.begin()->second;
    running_.erase(running_.begin());
    end(*job, job->due, settings);
    taken.push_back(job);
    start_waiting(job->finished, settings, random);
  }
  // The gate may have opened for another reason: a limit raised, a neighbour gone.
  start_waiting(now, settings, random);
  return taken;
}

std::vector<Job*> JobTable::take_now(WallTime now, std::string_view id, const Settings& settings,
                                     Random& random) {
  std::vector<Job*> taken;
  const auto wanted = [&](const Job* job) { return id.empty() || job->id == id; };
  for (auto at = running_.begin(); at != running_.end();) {
    if (wanted(at->second)) {
      taken.push_back(at->second);
      at = running_.erase(at);
    } else {
      ++at;
    }
  }
  const auto rest =
      std::stable_partition(waiting_.begin(), waiting_.end(), [&](Job* job) { return !wanted(job); });
  taken.insert(taken.end(), rest, waiting_.end());
  waiting_.erase(rest, waiting_.end());
  std::sort(taken.begin(), taken.end(), [](const Job* a, const Job* b) { return a->number < b->number; });
  for (Job* job : taken)
    end(*job, now, settings);
  start_waiting(now, settings, random);
  return taken;
}

void JobTable::forget(WallTime now, Milliseconds retention) {
  while (!ended_.empty() && ended_.front()->finished + retention <= now) {
    Job& job = *ended_.front();
    ended_.pop_front();
    job.gone = true;
    release(job.imports);
    release(job.errors);
  }
}

std::optional<WallTime> JobTable::next_due() const {
  if (running_.empty() || running_.begin()->first == WallTime::max())
    return std::nullopt;
  return running_.begin()->first;
}

Job* JobTable::find(std::string_view id) {
  const auto found = by_id_.find(std::string(id));
  return found == by_id_.end() ? nullptr : found->second;
}

void JobTable::clear() {
  by_id_.clear();
  waiting_.clear();
  running_.clear();
  ended_.clear();
  jobs_.clear();
  operations_ = 0;
  neighbour_ = Neighbour();
}

}  // namespace usherd::sandbox
