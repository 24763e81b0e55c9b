#include "usherd/admin/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <initializer_list>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

namespace usherd {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Label = std::pair<std::string_view, std::string_view>;

double to_seconds(Milliseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

ClientMetric labelled(std::initializer_list<Label> labels) {
  ClientMetric metric;
  for (const auto& [name, value] : labels)
    metric.label.push_back({std::string(name), std::string(value)});
  return metric;
}

/// Collects families in the order of the contract.
class Page {
 public:
  void family(const char* name, const char* help, MetricType type) {
    MetricFamily next;
    next.name = name;
    next.help = help;
    next.type = type;
    families_.push_back(std::move(next));
  }
  template <class Number>
  void value(Number number, std::initializer_list<Label> labels = {}) {
    auto metric = labelled(labels);
    if (families_.back().type == MetricType::Counter)
      metric.counter.value = static_cast<double>(number);
    else
      metric.gauge.value = static_cast<double>(number);
    families_.back().metric.push_back(std::move(metric));
  }
  template <class Number>
  void gauge(const char* name, const char* help, Number number) {
    family(name, help, MetricType::Gauge);
    value(number);
  }
  template <class Number>
  void counter(const char* name, const char* help, Number number) {
    family(name, help, MetricType::Counter);
    value(number);
  }
  void histogram(const DurationHistogram& histogram, std::initializer_list<Label> labels = {}) {
    auto metric = labelled(labels);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < histogram.bounds().size(); ++i) {
      count += histogram.count(i);
      metric.histogram.bucket.push_back({count, histogram.bounds()[i]});
    }
    count += histogram.count(histogram.bounds().size());
    metric.histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = histogram.sum();
    families_.back().metric.push_back(std::move(metric));
  }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

void add_outcomes(Page& page, const StatusReport& report, const Tally& tally) {
  const auto& records = tally.records();
  page.family("usherd_records_total", "Records by how they ended.", MetricType::Counter);
  page.value(records.imported, {{"outcome", "imported"}});
  page.value(records.rejected, {{"outcome", "rejected"}});
  page.value(records.merged, {{"outcome", "merged"}});
  page.value(records.unknown, {{"outcome", "unknown"}});
  page.family("usherd_rejects_total", "Records kept as rejects, by where they were refused.",
              MetricType::Counter);
  for (const auto stage : {RejectStage::local, RejectStage::api, RejectStage::unknown})
    page.value(tally.rejects(stage), {{"stage", to_string(stage)}});
  page.family("usherd_files_total", "Files by how they ended.", MetricType::Counter);
  page.value(report.ended.files_done, {{"result", "done"}});
  page.value(report.ended.files_with_rejects, {{"result", "with_rejects"}});
  page.value(report.ended.files_refused, {{"result", "refused"}});
}

void add_backlog(Page& page, const StatusReport& report) {
  const auto total = report.backlog.total();
  page.gauge("usherd_records_pending", "Records read and accepted by the rules that have no outcome yet.",
             report.pending_records);
  page.gauge("usherd_backlog_bytes", "Bytes of accepted files whose records have no outcome yet.",
             total.bytes);
  page.gauge("usherd_backlog_files", "Accepted files that are not settled.", total.files);
  page.gauge("usherd_oldest_pending_seconds",
             "Age of the oldest accepted file that is not settled; 0 if none.",
             to_seconds(report.oldest.value_or(Milliseconds{0})));
}

void add_batches(Page& page, const StatusReport& report, const Tally& tally) {
  page.family("usherd_batches_total", "Batches by how they ended.", MetricType::Counter);
  for (const auto result :
       {BatchResult::imported, BatchResult::with_rejects, BatchResult::unknown, BatchResult::divided})
    page.value(tally.batches(result), {{"result", to_string(result)}});
  page.family("usherd_rekeyed_total", "Batches sent under another key by a named exception.",
              MetricType::Counter);
  for (std::size_t i = 0; i < kRekeyReasons.size(); ++i)
    page.value(tally.rekeyed(i), {{"reason", kRekeyReasons[i]}});
  page.counter("usherd_sent_bytes_total", "Bytes of request bodies that went out whole.", tally.sent_bytes());
  page.gauge("usherd_batches_in_progress", "Batches counted against the budget.", report.batches.used);
  page.gauge("usherd_operations_in_progress", "Operations counted against the budget.",
             report.operations.used);
  page.gauge("usherd_budget_batches", "Batches that may be in progress now.", report.batches.usable);
  page.gauge("usherd_budget_operations", "Operations that may be in progress now.", report.operations.usable);
  page.gauge("usherd_oldest_job_seconds", "Age of the oldest job in progress; 0 if none.",
             to_seconds(report.oldest_job.value_or(Milliseconds{0})));
}

void add_requests(Page& page, const StatusReport& report, const Tally& tally, Milliseconds retry_after) {
  constexpr std::array kCalls{Call::create, Call::status, Call::imports, Call::errors, Call::me};
  page.family("usherd_requests_total", "API requests by call and HTTP status; none: no answer came.",
              MetricType::Counter);
  for (const auto call : kCalls) {
    for (std::size_t code = 0; code < RequestTally::kCodes.size(); ++code)
      page.value(tally.requests().count(call, code),
                 {{"call", to_string(call)}, {"code", RequestTally::kCodes[code]}});
  }
  page.family("usherd_request_duration_seconds", "From the first byte sent to the end of the answer.",
              MetricType::Histogram);
  for (const auto call : kCalls)
    page.histogram(tally.requests().durations(call), {{"call", to_string(call)}});
  page.family("usherd_job_duration_seconds", "From a job's acceptance until it was seen to have ended.",
              MetricType::Histogram);
  page.histogram(tally.jobs());
  page.counter("usherd_retry_after_seconds_total", "Time for which 429s bound the whole client.",
               to_seconds(retry_after));
  page.family("usherd_sessions", "HTTPS sessions by what they do.", MetricType::Gauge);
  page.value(report.sessions_busy, {{"state", "busy"}});
  page.value(report.sessions_idle, {{"state", "idle"}});
  page.family("usherd_parked", "1 while that reason holds delivery or intake up.", MetricType::Gauge);
  for (std::size_t i = 0; i < kParkReasons; ++i) {
    const auto reason = static_cast<ParkReason>(i);
    bool holds = false;
    for (const auto& parked : report.parked)
      holds = holds || parked.reason == reason;
    page.value(holds ? 1 : 0, {{"reason", to_string(reason)}});
  }
  const auto success = tally.last_success();
  page.gauge("usherd_last_success_timestamp_seconds",
             "When the API last took or imported a batch, seconds since 1970; 0 if not since the start.",
             success ? static_cast<double>(success->time_since_epoch().count()) / 1000 : 0);
}

void add_machine(Page& page, const StatusReport& report, const ProcessFigures& process) {
  page.gauge("usherd_spool_free_bytes", "Room on the spool's file system when it was last asked.",
             report.free_bytes);
  page.gauge("usherd_ledger_bytes", "Size of the ledger on disk.", report.ledger_bytes);
  page.gauge("usherd_config_last_reload_successful", "Whether the last reload was taken; 1 before the first.",
             report.reload_good ? 1 : 0);
  page.counter("process_cpu_seconds_total", "CPU time in user and kernel mode.", process.cpu_seconds);
  page.gauge("process_resident_memory_bytes", "Resident memory.", process.resident_bytes);
  page.gauge("process_virtual_memory_bytes", "Virtual memory.", process.virtual_bytes);
  page.gauge("process_open_fds", "Open file descriptors.", process.open_descriptors);
  page.gauge("process_max_fds", "File descriptors that may be open.", process.most_descriptors);
  page.gauge("process_start_time_seconds", "Start of the process, seconds since 1970.", process.started);
  page.family("usherd_build_info", "1, with the version as a label.", MetricType::Gauge);
  page.value(1, {{"version", report.version}});
}

}  // namespace

std::string metrics_text(const StatusReport& report, const Tally& tally, Milliseconds retry_after,
                         const ProcessFigures& process) {
  Page page;
  add_outcomes(page, report, tally);
  add_backlog(page, report);
  add_batches(page, report, tally);
  add_requests(page, report, tally, retry_after);
  add_machine(page, report, process);
  return page.text();
}

}  // namespace usherd
