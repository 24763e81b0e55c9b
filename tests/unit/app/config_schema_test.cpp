#include "src/app/config_keys.hpp"

#include "usherd/app/config_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace json = boost::json;
using usherd::Config;
using usherd::parse_config;

namespace {

std::string text_of(const char* path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What the schema says of each key, by its path.
std::map<std::string, json::object> keys_of_schema() {
  std::map<std::string, json::object> keys;
  const auto schema = json::parse(text_of("config/usherd.schema.json")).as_object();
  CHECK(schema.at("additionalProperties") == false);
  for (const auto& [name, value] : schema.at("properties").as_object()) {
    const auto& entry = value.as_object();
    if (!entry.contains("properties")) {
      keys[std::string(name)] = entry;
      continue;
    }
    CHECK(entry.at("additionalProperties") == false);
    for (const auto& [key, of_key] : entry.at("properties").as_object())
      keys[std::string(name) + "." + std::string(key)] = of_key.as_object();
  }
  return keys;
}

/// The comment above each key of the configuration on one line, by the key's path; with the schema's quotes.
std::map<std::string, std::string> comments_of_configuration() {
  std::map<std::string, std::string> comments;
  std::istringstream lines(text_of("config/usherd.yaml"));
  std::string section;
  std::string comment;
  for (std::string line; std::getline(lines, line);) {
    const auto start = line.find_first_not_of(' ');
    if (start == std::string::npos) {
      comment.clear();
    } else if (line[start] == '#') {
      comment += (comment.empty() ? "" : " ") + line.substr(std::min(start + 2, line.size()));
    } else {
      const auto name = line.substr(start, line.find(':') - start);
      if (start == 0)
        section = name;
      std::replace(comment.begin(), comment.end(), '`', '\'');
      comments[start == 0 ? name : fmt::format("{}.{}", section, name)] = std::exchange(comment, {});
    }
  }
  return comments;
}

/// A configuration with one key in it; JSON is YAML.
usherd::ConfigOutcome with(const std::string& path, const json::value& value) {
  const auto dot = path.find('.');
  const auto text = json::serialize(value);
  return parse_config(dot == std::string::npos ? fmt::format("{{{}: {}}}", path, text)
                                               : fmt::format("{{{}: {{{}: {}}}}}", path.substr(0, dot),
                                                             path.substr(dot + 1), text),
                      "f");
}

bool takes(const std::string& path, const json::value& value) {
  // Whether a value fits others is not the schema's business.
  for (const auto& fault : with(path, value).faults) {
    if (fault.key == path && fault.message.find("never fits") == std::string::npos)
      return false;
  }
  return true;
}

void check_range(const std::string& path, const json::object& entry) {
  const auto least = entry.at("minimum").as_int64();
  const auto most = entry.at("maximum").as_int64();
  CHECK(takes(path, least));
  CHECK(takes(path, most));
  CHECK_FALSE(takes(path, least - 1));
  CHECK_FALSE(takes(path, most + 1));
  CHECK_FALSE(takes(path, "some"));
}

}  // namespace

TEST_CASE("the schema has every key of the configuration, and no other") {
  std::set<std::string> in_code;
  for (const auto& key : usherd::config_keys())
    in_code.insert(key.path());
  std::set<std::string> in_schema;
  for (const auto& [path, entry] : keys_of_schema())
    in_schema.insert(path);
  CHECK(in_schema == in_code);
}

TEST_CASE("the schema's defaults are those of the code, and each key is described") {
  for (const auto& [path, entry] : keys_of_schema()) {
    CAPTURE(path);
    CHECK_FALSE(entry.at("description").as_string().empty());
    const auto outcome = with(path, entry.at("default"));
    CHECK(usherd::format_faults(outcome).empty());
    CHECK(outcome.config == Config{});
  }
}

TEST_CASE("the schema's defaults are those of the commented configuration") {
  const auto text = text_of("config/usherd.yaml");
  for (const auto& [path, entry] : keys_of_schema()) {
    CAPTURE(path);
    const auto& value = entry.at("default");
    const auto shown = value.is_null()     ? std::string()
                       : value.is_string() ? " " + std::string(value.as_string())
                                           : " " + json::serialize(value);
    const auto line = path.find('.') == std::string::npos
                          ? fmt::format("\n{}:{}\n", path, shown)
                          : fmt::format("\n  {}:{}\n", path.substr(path.find('.') + 1), shown);
    CHECK((text + "\n").find(line) != std::string::npos);
  }
}

TEST_CASE("the schema describes each key in the words of the commented configuration") {
  const auto described = comments_of_configuration();
  for (const auto& [path, entry] : keys_of_schema()) {
    CAPTURE(path);
    CHECK(described.at(path) == entry.at("description").as_string());
  }
}

TEST_CASE("the code takes what the schema's types take, and refuses what they refuse") {
  for (const auto& [path, entry] : keys_of_schema()) {
    CAPTURE(path);
    if (const auto* words = entry.if_contains("enum")) {
      for (const auto& word : words->as_array())
        CHECK(takes(path, word));
      CHECK_FALSE(takes(path, "something else"));
      continue;
    }
    if (const auto* choices = entry.if_contains("anyOf")) {
      for (const auto& choice : choices->as_array()) {
        if (const auto* constant = choice.as_object().if_contains("const"))
          CHECK(takes(path, *constant));
        if (choice.as_object().contains("minimum"))
          check_range(path, choice.as_object());
      }
      continue;
    }
    if (const auto* shared = entry.if_contains("$ref")) {
      const bool size = shared->as_string() == "#/$defs/size";
      CHECK((size || shared->as_string() == "#/$defs/duration"));
      CHECK_FALSE(takes(path, size ? "10s" : "10MiB"));
      CHECK_FALSE(takes(path, "soon"));
      continue;
    }
    const auto& type = entry.at("type").as_string();
    if (type == "integer") {
      check_range(path, entry);
    } else if (type == "number") {
      CHECK(takes(path, entry.at("maximum")));
      CHECK(entry.at("minimum") == 0.001);
      CHECK_FALSE(takes(path, 0));
      CHECK_FALSE(takes(path, "fast"));
    } else if (type == "boolean") {
      CHECK(takes(path, true));
      CHECK_FALSE(takes(path, "some"));
    } else if (type == "array") {
      CHECK(takes(path, json::array{"status.example.com"}));
      CHECK_FALSE(takes(path, true));
    } else {
      CHECK(type == "string");
      CHECK_FALSE(takes(path, json::array{"x"}));
    }
  }
}

TEST_CASE("the commented configuration points editors to the installed schema") {
  CHECK(text_of("config/usherd.yaml")
            .starts_with("# yaml-language-server: $schema=/usr/share/usherd/usherd.schema.json\n"));
}
