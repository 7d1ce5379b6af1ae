import assert from "node:assert/strict";
import { test } from "node:test";

import { difference, offsetMinutes, ownMoment, timeIn } from "../../static/js/core/zone.js";

const WINTER = Date.UTC(2026, 0, 15, 17, 5, 9);
const SUMMER = Date.UTC(2026, 6, 15, 17, 5, 9);

test("a zone's offset follows its summer time", () => {
  assert.equal(offsetMinutes("Europe/Berlin", WINTER), 60);
  assert.equal(offsetMinutes("Europe/Berlin", SUMMER), 120);
  assert.equal(offsetMinutes("Asia/Kathmandu", WINTER), 345);
  assert.equal(offsetMinutes("America/New_York", WINTER), -300);
});

test("the difference is told in hours and minutes, from the device's side", () => {
  assert.equal(difference("Europe/Berlin", "America/New_York", WINTER), "6 hours behind");
  assert.equal(difference("UTC", "Asia/Kathmandu", WINTER), "5 hours and 45 minutes ahead");
  assert.equal(difference("Europe/London", "Europe/Berlin", WINTER), "1 hour ahead");
});

test("two names for the same clock differ in nothing", () => {
  assert.equal(difference("Europe/Berlin", "Europe/Paris", SUMMER), "");
  assert.equal(difference("UTC", "Europe/London", WINTER), "");
});

test("a time of the day is the site's, whatever the device's zone is", () => {
  assert.equal(timeIn("Asia/Tokyo", WINTER), "02:05:09");
});

test("the hint names the device's zone", () => {
  assert.match(ownMoment("America/New_York", WINTER), /12:05.*\(America\/New_York\)/);
});
