var __defProp = Object.defineProperty;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __esm = (fn, res, err) => function __init() {
  if (err) throw err[0];
  try {
    return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
  } catch (e) {
    throw err = [e], e;
  }
};
var __export = (target, all2) => {
  for (var name in all2)
    __defProp(target, name, { get: all2[name], enumerable: true });
};

// lib/base/digest.ts
import { createHash } from "node:crypto";
function digest(text2) {
  return createHash("sha256").update(Buffer.from(text2, "utf16le")).digest("hex").slice(0, HEX_DIGITS);
}
var HEX_DIGITS;
var init_digest = __esm({
  "lib/base/digest.ts"() {
    "use strict";
    HEX_DIGITS = 32;
  }
});

// lib/base/errors.ts
function assert(condition, message) {
  if (!condition) throw new AssertionFault(message);
}
function shown(value) {
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "an object that is no JSON";
  }
}
function messageOf(thrown) {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return "an object that is no text was thrown";
  }
}
var MillraceError, ConfigError, EventShapeError, RetryableError, StopError, RecordRejection, AssertionFault;
var init_errors = __esm({
  "lib/base/errors.ts"() {
    "use strict";
    MillraceError = class extends Error {
      // Written out in each class: a bundler shortens the names of classes, and logs and alarms go by these.
      name = "MillraceError";
      code;
      constructor(code, message, options2) {
        super(message, options2);
        this.code = code;
      }
    };
    ConfigError = class extends MillraceError {
      name = "ConfigError";
    };
    EventShapeError = class extends MillraceError {
      name = "EventShapeError";
      constructor(message) {
        super("event-shape", message);
      }
    };
    RetryableError = class extends MillraceError {
      name = "RetryableError";
    };
    StopError = class extends MillraceError {
      name = "StopError";
    };
    RecordRejection = class extends MillraceError {
      name = "RecordRejection";
      constructor(reason, detail2) {
        super(reason, detail2);
      }
    };
    AssertionFault = class extends MillraceError {
      name = "AssertionFault";
      constructor(message) {
        super("assertion", `Invariant broken: ${message}. This is a defect of Millrace; please report it.`);
      }
    };
  }
});

// lib/base/duration.ts
function milliseconds(duration, what, min2 = 0) {
  const ms = typeof duration === "string" ? parse(duration) : duration;
  if (typeof ms !== "number" || !Number.isSafeInteger(ms)) {
    throw new ConfigError(
      "bad-duration",
      `${what} must be a duration such as '30s', '5m', '1h30m', or whole milliseconds; it is ${shown(duration)}.`
    );
  }
  if (ms < min2 || ms > DURATION_MS_MAX) {
    throw new ConfigError(
      "bad-duration",
      `${what} must lie between ${formatDuration(min2)} and ${formatDuration(DURATION_MS_MAX)}; it is ${formatDuration(ms)}.`
    );
  }
  return ms;
}
function parse(text2) {
  if (!SHAPE.test(text2)) return Number.NaN;
  let ms = 0;
  for (const [, count2, unit] of text2.matchAll(/(\d+)(ms|s|m|h|d)/g)) ms += Number(count2) * UNITS[unit];
  return ms;
}
function formatDuration(ms) {
  if (!Number.isFinite(ms)) return String(ms);
  if (ms === 0) return "0s";
  let left = Math.abs(ms);
  let text2 = ms < 0 ? "-" : "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const count2 = Math.floor(left / UNITS[unit]);
    if (count2 > 0) text2 += `${count2}${unit}`;
    left -= count2 * UNITS[unit];
  }
  return text2;
}
var UNITS, DURATION_MS_MAX, SHAPE;
var init_duration = __esm({
  "lib/base/duration.ts"() {
    "use strict";
    init_errors();
    UNITS = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };
    DURATION_MS_MAX = 400 * 864e5;
    SHAPE = /^(?:\d+(?:ms|s|m|h|d))+$/;
  }
});

// lib/base/hash.ts
function hash32(text2, seed = 0) {
  const c1 = 3432918353;
  const c2 = 461845907;
  const length = text2.length;
  const even = length & ~1;
  let h = seed | 0;
  for (let i = 0; i < even; i += 2) {
    let k = text2.charCodeAt(i) | text2.charCodeAt(i + 1) << 16;
    k = Math.imul(k, c1);
    k = k << 15 | k >>> 17;
    h ^= Math.imul(k, c2);
    h = h << 13 | h >>> 19;
    h = Math.imul(h, 5) + 3864292196 | 0;
  }
  if (even < length) {
    let k = Math.imul(text2.charCodeAt(even), c1);
    k = k << 15 | k >>> 17;
    h ^= Math.imul(k, c2);
  }
  return finish(h ^ length * 2);
}
function finish(value) {
  let h = value;
  h ^= h >>> 16;
  h = Math.imul(h, 2246822507);
  h ^= h >>> 13;
  h = Math.imul(h, 3266489909);
  h ^= h >>> 16;
  return h >>> 0;
}
function checksum(bytes2) {
  let h = 2166136261;
  for (let i = 0; i < bytes2.length; i++) h = Math.imul(h ^ bytes2[i], 16777619);
  return h >>> 0;
}
function hex8(hash) {
  return hash.toString(16).padStart(8, "0");
}
var init_hash = __esm({
  "lib/base/hash.ts"() {
    "use strict";
  }
});

// lib/base/json.ts
function rowJson(value) {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return careful(value);
  }
}
function careful(value) {
  try {
    return JSON.stringify(value, (_, part3) => typeof part3 === "bigint" ? part3.toString() : part3);
  } catch (error) {
    return JSON.stringify({ unwritable: error instanceof Error ? error.message.split("\n")[0] : String(error) });
  }
}
var init_json = __esm({
  "lib/base/json.ts"() {
    "use strict";
  }
});

// lib/base/limits.ts
var STORE_GET_MAX, STORE_INSERT_MAX, STORE_PAGE_BYTES, WRITE_UNIT_BYTES, READ_UNIT_BYTES, SEGMENT_BYTES_MAX, SPLIT_ITEM_BYTES_MAX, SPLIT_ID_BYTES_MAX, KEY_BYTES_MAX, RECORD_BYTES_MAX, JSON_DEPTH_MAX, DECODE_RECORDS, DECODE_BYTES, CHUNK_RECORDS, CHUNK_ENTRIES_MAX, CHUNK_ROWS_MAX, CHUNK_BYTES_MAX, CHUNK_SEGMENTS_MAX, CHUNK_TIME_SHARE, RECORDS_PER_LOOK, ROWS_PER_RECORD_MAX, UNIT_RECORDS_MAX, WINDOWS_PER_RECORD_MAX, KEY_GROUPS_MAX, LANES_MAX, ADVANCE_BYTES_MAX, PART_ROWS_MAX, SINK_ROWS_MAX, CACHE_BYTES_MAX, CONTENTION_TURNS_MAX, WATERMARK_ROUNDS_MAX, SLICE_MS_MIN, NAME_LENGTH_MAX, CAREFUL_TIMEOUTS, MISSING_MS, QUIET_MS, EMPTY_LOOK_MS, EMPTY_PROOF_MS, RESET_MS, LAG_MS, SPARE_LIFE_MS, LIFE_PARTS, MARKS_MAX, KEPT_PER_TICK, KEPT_AT_ONCE, CLOCK_BOUND_MS, CLAIM_MS_MAX, DEADLINE_RESERVE_MS, SPLITS_AT_ONCE, GROUPS_AT_ONCE;
var init_limits = __esm({
  "lib/base/limits.ts"() {
    "use strict";
    STORE_GET_MAX = 100;
    STORE_INSERT_MAX = 25;
    STORE_PAGE_BYTES = 1024 * 1024;
    WRITE_UNIT_BYTES = 1024;
    READ_UNIT_BYTES = 4096;
    SEGMENT_BYTES_MAX = 350 * 1024;
    SPLIT_ITEM_BYTES_MAX = 1024;
    SPLIT_ID_BYTES_MAX = 200;
    KEY_BYTES_MAX = 2048;
    RECORD_BYTES_MAX = 1024 * 1024;
    JSON_DEPTH_MAX = 1e3;
    DECODE_RECORDS = 512;
    DECODE_BYTES = 60 * 1024;
    CHUNK_RECORDS = 1e4;
    CHUNK_ENTRIES_MAX = 2e5;
    CHUNK_ROWS_MAX = 1e4;
    CHUNK_BYTES_MAX = 16 * 1024 * 1024;
    CHUNK_SEGMENTS_MAX = 500;
    CHUNK_TIME_SHARE = 0.5;
    RECORDS_PER_LOOK = 32;
    ROWS_PER_RECORD_MAX = 1e4;
    UNIT_RECORDS_MAX = 2e4;
    WINDOWS_PER_RECORD_MAX = 1e4;
    KEY_GROUPS_MAX = 1024;
    LANES_MAX = 4;
    ADVANCE_BYTES_MAX = 256 * 1024 * 1024;
    PART_ROWS_MAX = 5e3;
    SINK_ROWS_MAX = 2e4;
    CACHE_BYTES_MAX = 64 * 1024 * 1024;
    CONTENTION_TURNS_MAX = 100;
    WATERMARK_ROUNDS_MAX = 8;
    SLICE_MS_MIN = 100;
    NAME_LENGTH_MAX = 64;
    CAREFUL_TIMEOUTS = 2;
    MISSING_MS = 18e5;
    QUIET_MS = 9e5;
    EMPTY_LOOK_MS = 18e5;
    EMPTY_PROOF_MS = 72e5;
    RESET_MS = 6e4;
    LAG_MS = 216e5;
    SPARE_LIFE_MS = 7 * 864e5;
    LIFE_PARTS = 16;
    MARKS_MAX = 60;
    KEPT_PER_TICK = 500;
    KEPT_AT_ONCE = 8;
    CLOCK_BOUND_MS = 15e5;
    CLAIM_MS_MAX = 9e5;
    DEADLINE_RESERVE_MS = 1e3;
    SPLITS_AT_ONCE = 16;
    GROUPS_AT_ONCE = 4;
  }
});

// lib/base/key.ts
function encodeKey(key) {
  const text2 = Array.isArray(key) ? tuple(key) : part(key);
  if (text2.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(text2) > KEY_BYTES_MAX) {
    throw new RecordRejection(
      "bad-key",
      `A key has at most ${KEY_BYTES_MAX} bytes; this one has ${Buffer.byteLength(text2)}.`
    );
  }
  return text2;
}
function tuple(parts) {
  let text2 = "[";
  for (let i = 0; i < parts.length; i++) text2 += i === 0 ? part(parts[i]) : `,${part(parts[i])}`;
  return `${text2}]`;
}
function part(value) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      if (Number.isFinite(value)) return JSON.stringify(value);
      break;
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return `${value}n`;
    case "object":
      if (value === null) return "null";
      break;
  }
  throw new RecordRejection(
    "bad-key",
    `A key is a string, a finite number, a boolean, a bigint, null, or an array of them; this one is ${kindOf(value)}.`
  );
}
function kindOf(value) {
  if (typeof value === "number" || value === void 0) return String(value);
  if (value instanceof Promise) return "a promise";
  return Array.isArray(value) ? "a nested array" : `of type ${typeof value}`;
}
function decodeKey(text2) {
  if (text2.charCodeAt(0) !== 91) return text2.endsWith("n") ? BigInt(text2.slice(0, -1)) : JSON.parse(text2);
  try {
    return JSON.parse(text2);
  } catch {
    return JSON.parse(text2.replace(BIGINT_OR_STRING, quoteBigint)).map(restore);
  }
}
var BIGINT_OR_STRING, quoteBigint, restore;
var init_key = __esm({
  "lib/base/key.ts"() {
    "use strict";
    init_errors();
    init_limits();
    BIGINT_OR_STRING = /"(?:[^"\\]|\\.)*"|-?\d+n/g;
    quoteBigint = (token) => token.startsWith('"') ? token : `{"n":"${token.slice(0, -1)}"}`;
    restore = (value) => typeof value === "object" && value !== null ? BigInt(value.n) : value;
  }
});

// lib/base/name.ts
function checkName(what, name) {
  if (typeof name === "string" && name.length <= NAME_LENGTH_MAX && SHAPE2.test(name)) return name;
  throw new ConfigError(
    "bad-name",
    `The name of a ${what} is 1 to ${NAME_LENGTH_MAX} letters, digits, '.', '_' or '-', and starts with a letter; it is ${shown(name)}.`
  );
}
function runPrefix(pipeline2, run2) {
  return `${pipeline2}.${run2}`;
}
var SHAPE2;
var init_name = __esm({
  "lib/base/name.ts"() {
    "use strict";
    init_errors();
    init_limits();
    SHAPE2 = /^[A-Za-z][A-Za-z0-9._-]*$/;
  }
});

// lib/base/sortable.ts
function sortable(value) {
  assert(Number.isSafeInteger(value) && value >= -OFFSET && value <= OFFSET, `${value} can be encoded as a sort key`);
  return (value + OFFSET).toString(36).padStart(DIGITS, "0");
}
function unsortable(text2) {
  return Number.parseInt(text2, 36) - OFFSET;
}
function compareBytes(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      if (x >= 55296 && y >= 55296) return rank(x) - rank(y);
      return x - y;
    }
  }
  return a.length - b.length;
}
var TIME_MIN, TIME_MAX, EVENT_TIME_MAX, OFFSET, DIGITS, SORTABLE_LENGTH, rank;
var init_sortable = __esm({
  "lib/base/sortable.ts"() {
    "use strict";
    init_errors();
    TIME_MIN = -4e15;
    TIME_MAX = 4e15;
    EVENT_TIME_MAX = 39e14;
    OFFSET = 45e14;
    DIGITS = 11;
    SORTABLE_LENGTH = DIGITS;
    rank = (unit) => unit <= 57343 ? unit + 8192 : unit - 2048;
  }
});

// lib/base/index.ts
var init_base = __esm({
  "lib/base/index.ts"() {
    "use strict";
    init_digest();
    init_duration();
    init_errors();
    init_hash();
    init_json();
    init_key();
    init_limits();
    init_name();
    init_sortable();
  }
});

// lib/sources/shape.ts
function misshapen(event, path, expected, found) {
  throw new EventShapeError(`A ${event} event needs ${path} to be ${expected}; it is ${kindOf2(found)}.`);
}
function outOfOrder(event, split, path) {
  throw new EventShapeError(
    `A ${event} event needs the records of a ${split} in ascending order; ${path} does not come after the one before it.`
  );
}
function isObject(value) {
  return typeof value === "object" && value !== null;
}
function kindOf2(value) {
  if (value === void 0) return "missing";
  if (value === null) return "null";
  if (value === "") return "an empty string";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
var init_shape = __esm({
  "lib/sources/shape.ts"() {
    "use strict";
    init_base();
  }
});

// lib/sources/undone.ts
function lowestUndone(undone) {
  const lowest = /* @__PURE__ */ new Map();
  for (const { batch, index } of undone) lowest.set(batch, Math.min(index, lowest.get(batch) ?? index));
  return lowest;
}
var init_undone = __esm({
  "lib/sources/undone.ts"() {
    "use strict";
  }
});

// lib/ports/source.ts
var Defect;
var init_source = __esm({
  "lib/ports/source.ts"() {
    "use strict";
    Defect = {
      /** The record has no payload at all: a Kafka tombstone. */
      tombstone: -1,
      badBase64: -2,
      badAggregate: -3,
      notText: -4,
      /** A source record of more user records than `UNIT_RECORDS_MAX`. */
      manyRecords: -5
    };
  }
});

// lib/ports/index.ts
var init_ports = __esm({
  "lib/ports/index.ts"() {
    "use strict";
    init_source();
  }
});

// lib/sources/file/batch.ts
var LONE_SURROGATE, FileBatch;
var init_batch = __esm({
  "lib/sources/file/batch.ts"() {
    "use strict";
    init_ports();
    LONE_SURROGATE = new RegExp("\\p{Surrogate}", "u");
    FileBatch = class {
      source;
      split;
      records;
      constructor(source2, split, records) {
        this.source = source2;
        this.split = split;
        this.records = records;
      }
      get count() {
        return this.records.length;
      }
      position(index) {
        return String(this.records[index].offset).padStart(20, "0");
      }
      arrivalMs() {
        return void 0;
      }
      key() {
        return null;
      }
      header() {
        return void 0;
      }
      sizeBound(index) {
        return Buffer.byteLength(this.records[index].data);
      }
      write(index, target, at) {
        const { data } = this.records[index];
        const written = target.write(data, at);
        return written !== data.length && LONE_SURROGATE.test(data) ? Defect.notText : written;
      }
      raw(index) {
        return this.records[index].data;
      }
      unitEnd(index) {
        return index + 1;
      }
    };
  }
});

// lib/sources/file/decoder.ts
var decoder_exports = {};
__export(decoder_exports, {
  fileDecoder: () => fileDecoder
});
function fileDecoder() {
  return { connector: "file", matches, decode, partialAnswer };
}
function matches(event) {
  return isObject(event) && event.eventSource === "millrace:file";
}
function decode(event, nameOf3) {
  if (!isObject(event)) misshapen("file", "itself", "an object", event);
  const { source: source2, records } = event;
  if (typeof source2 !== "string" || source2 === "") misshapen("file", "source", "the name of a source", source2);
  if (!Array.isArray(records)) misshapen("file", "records", "an array", records);
  const splits = /* @__PURE__ */ new Map();
  for (let i = 0; i < records.length; i++) {
    const record = check(records[i], i);
    const lines2 = splits.get(record.split);
    if (lines2 === void 0) splits.set(record.split, [record]);
    else {
      if (record.offset <= lines2[lines2.length - 1].offset) outOfOrder("file", "split", `records[${i}]`);
      lines2.push(record);
    }
  }
  return Array.from(splits, ([split, lines2]) => new FileBatch(nameOf3(source2), split, lines2));
}
function check(record, i) {
  if (!isObject(record)) misshapen("file", `records[${i}]`, "an object", record);
  const { split, offset, data } = record;
  if (typeof split !== "string" || split === "") misshapen("file", `records[${i}].split`, "the name of a split", split);
  if (!Number.isSafeInteger(offset) || offset < 0) {
    misshapen("file", `records[${i}].offset`, "a whole number from 0 to 2^53 - 1", offset);
  }
  if (typeof data !== "string") misshapen("file", `records[${i}].data`, "a line's text", data);
  return record;
}
function partialAnswer(undone) {
  const batchItemFailures = Array.from(lowestUndone(undone), ([batch, index]) => ({
    itemIdentifier: { split: batch.split, offset: Number(batch.position(index)) }
  }));
  return { batchItemFailures };
}
var init_decoder = __esm({
  "lib/sources/file/decoder.ts"() {
    "use strict";
    init_shape();
    init_undone();
    init_batch();
  }
});

// lib/sources/base64.ts
function base64Bytes(text2) {
  return Math.ceil(impliedBytes(text2));
}
function writeBase64(text2, target, at) {
  const written = target.write(text2, at, "base64");
  return written === impliedBytes(text2) ? written : Defect.badBase64;
}
function impliedBytes(text2) {
  const length = text2.length;
  const padding = text2.charCodeAt(length - 1) !== 61 ? 0 : text2.charCodeAt(length - 2) !== 61 ? 1 : 2;
  return length * 0.75 - padding;
}
var init_base64 = __esm({
  "lib/sources/base64.ts"() {
    "use strict";
    init_ports();
  }
});

// lib/sources/kafka/position.ts
function positionOfOffset(offset) {
  return String(offset).padStart(20, "0");
}
function offsetAfter(position) {
  return position === "0" ? 0 : Number(position) + 1;
}
var init_position = __esm({
  "lib/sources/kafka/position.ts"() {
    "use strict";
  }
});

// lib/sources/kafka/batch.ts
var KafkaBatch;
var init_batch2 = __esm({
  "lib/sources/kafka/batch.ts"() {
    "use strict";
    init_ports();
    init_base64();
    init_shape();
    init_position();
    KafkaBatch = class {
      source;
      split;
      count;
      records;
      constructor(source2, split, records) {
        this.source = source2;
        this.split = split;
        this.records = records;
        this.count = records.length;
      }
      position(index) {
        return positionOfOffset(this.records[index].offset);
      }
      /** Known where the topic has the broker stamp its records. By default it is the producer's clock that does. */
      arrivalMs(index) {
        return this.records[index].timestampType === "LOG_APPEND_TIME" ? this.stampMs(index) : void 0;
      }
      /** Brokers write -1 where a producer gave no time. */
      stampMs(index) {
        const timestamp = this.records[index].timestamp ?? -1;
        return timestamp < 0 ? void 0 : timestamp;
      }
      key(index) {
        const key = this.records[index].key ?? null;
        return key === null ? null : Buffer.from(key, "base64").toString();
      }
      /** A name may come more than once; the last one counts, as in Kafka's own `lastHeader`. */
      header(index, name) {
        const headers = this.records[index].headers ?? [];
        for (let i = headers.length - 1; i >= 0; i--) {
          const header = headers[i];
          if (!isObject(header) || !Object.hasOwn(header, name)) continue;
          const bytes2 = header[name];
          return Array.isArray(bytes2) ? Buffer.from(bytes2).toString() : void 0;
        }
        return void 0;
      }
      sizeBound(index) {
        return base64Bytes(this.records[index].value ?? "");
      }
      write(index, target, at) {
        const value = this.records[index].value ?? null;
        return value === null ? Defect.tombstone : writeBase64(value, target, at);
      }
      raw(index) {
        return this.records[index].value ?? null;
      }
      /** Offsets are dense but for markers of transactions and what compaction took away. */
      follows(index, position) {
        return this.records[index].offset === offsetAfter(position);
      }
      unitEnd(index) {
        return index + 1;
      }
    };
  }
});

// lib/sources/kafka/decoder.ts
var decoder_exports2 = {};
__export(decoder_exports2, {
  kafkaDecoder: () => kafkaDecoder
});
function kafkaDecoder() {
  return { connector: "kafka", matches: matches2, decode: decode2, partialAnswer: partialAnswer2 };
}
function matches2(event) {
  return isObject(event) && (event.eventSource === "aws:kafka" || event.eventSource === "SelfManagedKafka");
}
function decode2(event, nameOf3) {
  if (!isObject(event)) misshapen("Kafka", "itself", "an object", event);
  const partitions = event.records;
  if (!isObject(partitions) || Array.isArray(partitions)) {
    misshapen("Kafka", "records", "an object of topic-partitions", partitions);
  }
  const batches = [];
  for (const split of Object.keys(partitions)) {
    const path = `records[${JSON.stringify(split)}]`;
    const topic = TOPIC_PARTITION.exec(split)?.[1];
    if (topic === void 0) misshapen("Kafka", `the name of ${path}`, "a topic, '-' and a partition", split);
    const records = partitions[split];
    if (!Array.isArray(records)) misshapen("Kafka", path, "an array", records);
    let last2 = -1;
    for (let i = 0; i < records.length; i++) {
      check2(records[i], path, i);
      if (records[i].offset <= last2) outOfOrder("Kafka", "partition", `${path}[${i}]`);
      last2 = records[i].offset;
    }
    if (records.length > 0) batches.push(new KafkaBatch(nameOf3(topic), split, records));
  }
  return batches;
}
function check2(record, path, i) {
  if (!isObject(record)) misshapen("Kafka", `${path}[${i}]`, "an object", record);
  const { offset, timestamp, key, value, headers } = record;
  if (!Number.isSafeInteger(offset) || offset < 0) {
    misshapen("Kafka", `${path}[${i}].offset`, "a whole number from 0 to 2^53 - 1", offset);
  }
  if (!isAbsent(timestamp) && !Number.isSafeInteger(timestamp)) {
    misshapen("Kafka", `${path}[${i}].timestamp`, "whole milliseconds since 1970", timestamp);
  }
  if (!isAbsent(key) && typeof key !== "string") misshapen("Kafka", `${path}[${i}].key`, "a base64 text or null", key);
  if (!isAbsent(value) && typeof value !== "string") {
    misshapen("Kafka", `${path}[${i}].value`, "a base64 text or null", value);
  }
  if (!isAbsent(headers) && !Array.isArray(headers)) misshapen("Kafka", `${path}[${i}].headers`, "an array", headers);
}
function isAbsent(value) {
  return value === void 0 || value === null;
}
function partialAnswer2(undone) {
  const batchItemFailures = [];
  for (const [batch, first2] of lowestUndone(undone)) {
    for (let index = first2; index < batch.count; index++) {
      batchItemFailures.push({ itemIdentifier: { partition: batch.split, offset: Number(batch.position(index)) } });
    }
  }
  return { batchItemFailures };
}
var TOPIC_PARTITION;
var init_decoder2 = __esm({
  "lib/sources/kafka/decoder.ts"() {
    "use strict";
    init_shape();
    init_undone();
    init_batch2();
    TOPIC_PARTITION = /^(.+)-(\d+)$/s;
  }
});

// lib/sources/kinesis/protobuf.ts
var VARINT_BYTES_MAX, FIELD_MAX, FieldReader;
var init_protobuf = __esm({
  "lib/sources/kinesis/protobuf.ts"() {
    "use strict";
    VARINT_BYTES_MAX = 10;
    FIELD_MAX = 2 ** 29 - 1;
    FieldReader = class {
      failed = false;
      field = 0;
      /** Whether the field is a run of bytes, `from` to `to`; otherwise it is the number `value`. */
      isBytes = false;
      value = 0;
      from = 0;
      to = 0;
      at = 0;
      end = 0;
      bytes;
      constructor(bytes2) {
        this.bytes = bytes2;
      }
      open(from, to) {
        this.failed = false;
        this.at = from;
        this.end = to;
        return this;
      }
      /** Moves to the next field. False at the end, and where the message is malformed. */
      next() {
        if (this.failed || this.at >= this.end) return false;
        const tag = this.varint();
        this.field = Math.floor(tag / 8);
        this.isBytes = false;
        this.value = 0;
        if (this.field === 0 || this.field > FIELD_MAX) this.failed = true;
        switch (tag % 8) {
          case 0:
            this.value = this.varint();
            break;
          case 1:
            this.at += 8;
            break;
          case 2: {
            const length = this.varint();
            this.isBytes = true;
            this.from = this.at;
            this.at += length;
            this.to = this.at;
            break;
          }
          case 5:
            this.at += 4;
            break;
          default:
            this.failed = true;
        }
        if (this.at > this.end) this.failed = true;
        return !this.failed;
      }
      /** Inexact above 2^53, which is far above every length and index that can be right. */
      varint() {
        let value = 0;
        let scale = 1;
        for (let i = 0; i < VARINT_BYTES_MAX && this.at < this.end; i++) {
          const byte = this.bytes[this.at++];
          value += (byte & 127) * scale;
          if (byte < 128) return value;
          scale *= 128;
        }
        this.failed = true;
        return 0;
      }
    };
  }
});

// lib/sources/kinesis/kpl.ts
import { createHash as createHash2 } from "node:crypto";
function looksAggregated(data) {
  return data.charCodeAt(0) === 56 && /^84maw[g-v]/.test(data);
}
function readAggregate(data) {
  const bytes2 = Buffer.from(data, "base64");
  const end2 = bytes2.length - CHECKSUM_BYTES;
  if (end2 <= MAGIC.length || !MAGIC.equals(bytes2.subarray(0, MAGIC.length))) return void 0;
  const checksum2 = createHash2("md5").update(bytes2.subarray(MAGIC.length, end2)).digest();
  if (!checksum2.equals(bytes2.subarray(end2))) return void 0;
  const keys = [];
  let count2 = 0;
  const outer = new FieldReader(bytes2).open(MAGIC.length, end2);
  while (outer.next()) {
    if (outer.field === 1 && outer.isBytes) keys.push(bytes2.toString("utf8", outer.from, outer.to));
    else if (outer.field === 3 && outer.isBytes) count2++;
  }
  if (outer.failed || count2 === 0) return void 0;
  if (count2 > UNIT_RECORDS_MAX) return count2;
  const aggregate3 = new UserRecords(bytes2, keys, count2);
  const inner = new FieldReader(bytes2);
  outer.open(MAGIC.length, end2);
  for (let index = 0; outer.next(); ) {
    if (outer.field !== 3 || !outer.isBytes) continue;
    if (!aggregate3.read(index++, inner.open(outer.from, outer.to))) return void 0;
  }
  return aggregate3;
}
var MAGIC, CHECKSUM_BYTES, UserRecords;
var init_kpl = __esm({
  "lib/sources/kinesis/kpl.ts"() {
    "use strict";
    init_base();
    init_protobuf();
    MAGIC = Buffer.from([243, 137, 154, 194]);
    CHECKSUM_BYTES = 16;
    UserRecords = class {
      count;
      bytes;
      keys;
      keyOf;
      from;
      to;
      constructor(bytes2, keys, count2) {
        this.bytes = bytes2;
        this.keys = keys;
        this.count = count2;
        this.keyOf = new Int32Array(count2);
        this.from = new Int32Array(count2);
        this.to = new Int32Array(count2);
      }
      /** Takes one record message; false where it lacks its data or a key of the table. The explicit hash key and the tags are of no use. */
      read(index, fields) {
        let key = -1;
        let hasData = false;
        while (fields.next()) {
          if (fields.field === 1 && !fields.isBytes) key = fields.value;
          else if (fields.field === 3 && fields.isBytes) {
            hasData = true;
            this.from[index] = fields.from;
            this.to[index] = fields.to;
          }
        }
        if (fields.failed || !hasData || key < 0 || key >= this.keys.length) return false;
        this.keyOf[index] = key;
        return true;
      }
      key(index) {
        return this.keys[this.keyOf[index]];
      }
      sizeBound(index) {
        return this.to[index] - this.from[index];
      }
      write(index, target, at) {
        return this.bytes.copy(target, at, this.from[index], this.to[index]);
      }
    };
  }
});

// lib/sources/kinesis/position.ts
function positionOfSequence(digits) {
  return `${String(digits.length).padStart(3, "0")}:${digits}`;
}
function sequenceOfPosition(position) {
  return position.split(":")[1];
}
var init_position2 = __esm({
  "lib/sources/kinesis/position.ts"() {
    "use strict";
  }
});

// lib/sources/kinesis/batch.ts
function unfold(records) {
  if (!records.some((record) => looksAggregated(record.kinesis.data))) return void 0;
  const aggregates = records.map(
    ({ kinesis }) => looksAggregated(kinesis.data) ? readAggregate(kinesis.data) ?? null : void 0
  );
  const firstOf = new Int32Array(records.length + 1);
  for (let i = 0; i < records.length; i++) firstOf[i + 1] = firstOf[i] + countOf(aggregates[i]);
  const count2 = firstOf[records.length];
  const recordOf = new Int32Array(count2);
  for (let i = 0; i < records.length; i++) recordOf.fill(i, firstOf[i], firstOf[i + 1]);
  return { count: count2, recordOf, firstOf, aggregates };
}
var KinesisBatch, countOf;
var init_batch3 = __esm({
  "lib/sources/kinesis/batch.ts"() {
    "use strict";
    init_ports();
    init_base64();
    init_kpl();
    init_position2();
    KinesisBatch = class {
      source;
      split;
      count;
      records;
      units;
      constructor(source2, split, records) {
        this.source = source2;
        this.split = split;
        this.records = records;
        this.units = unfold(records);
        this.count = this.units?.count ?? records.length;
      }
      position(index) {
        const position = positionOfSequence(this.record(index).sequenceNumber);
        if (this.unfolded(index) === void 0) return position;
        return `${position}:${String(this.sub(index)).padStart(8, "0")}`;
      }
      arrivalMs(index) {
        return Math.round(this.record(index).approximateArrivalTimestamp * 1e3);
      }
      key(index) {
        return this.unfolded(index)?.key(this.sub(index)) ?? this.record(index).partitionKey;
      }
      header() {
        return void 0;
      }
      sizeBound(index) {
        if (this.units === void 0) return base64Bytes(this.records[index].kinesis.data);
        const aggregate3 = this.aggregate(index);
        if (aggregate3 === null || typeof aggregate3 === "number") return 0;
        return aggregate3?.sizeBound(this.sub(index)) ?? base64Bytes(this.record(index).data);
      }
      write(index, target, at) {
        if (this.units === void 0) return writeBase64(this.records[index].kinesis.data, target, at);
        const aggregate3 = this.aggregate(index);
        if (aggregate3 === null) return Defect.badAggregate;
        if (typeof aggregate3 === "number") return Defect.manyRecords;
        return aggregate3?.write(this.sub(index), target, at) ?? writeBase64(this.record(index).data, target, at);
      }
      raw(index) {
        if (this.unfolded(index) === void 0) return this.record(index).data;
        const bytes2 = Buffer.alloc(this.sizeBound(index));
        return bytes2.toString("base64", 0, Math.max(0, this.write(index, bytes2, 0)));
      }
      unitRaw(index) {
        return this.record(index).data;
      }
      unitRecords(index) {
        const aggregate3 = this.aggregate(index);
        return typeof aggregate3 === "number" ? aggregate3 : 1;
      }
      unitEnd(index) {
        if (this.units === void 0) return index + 1;
        return this.units.firstOf[this.units.recordOf[index] + 1];
      }
      record(index) {
        return this.records[this.units === void 0 ? index : this.units.recordOf[index]].kinesis;
      }
      aggregate(index) {
        return this.units?.aggregates[this.units.recordOf[index]];
      }
      /** The aggregate that an index is a user record of. */
      unfolded(index) {
        const aggregate3 = this.aggregate(index);
        return typeof aggregate3 === "object" && aggregate3 !== null ? aggregate3 : void 0;
      }
      /** The index of a user record within its aggregate. */
      sub(index) {
        return index - this.units.firstOf[this.units.recordOf[index]];
      }
    };
    countOf = (aggregate3) => typeof aggregate3 === "object" && aggregate3 !== null ? aggregate3.count : 1;
  }
});

// lib/sources/kinesis/decoder.ts
var decoder_exports3 = {};
__export(decoder_exports3, {
  kinesisDecoder: () => kinesisDecoder
});
function kinesisDecoder() {
  return { connector: "kinesis", matches: matches3, decode: decode3, partialAnswer: partialAnswer3 };
}
function matches3(event) {
  const records = isObject(event) ? event.Records : void 0;
  if (!Array.isArray(records)) return false;
  return records.length === 0 ? event.eventSource === void 0 : records[0]?.eventSource === "aws:kinesis";
}
function decode3(event, nameOf3) {
  if (!isObject(event)) misshapen("Kinesis", "itself", "an object", event);
  const records = event.Records;
  if (!Array.isArray(records)) misshapen("Kinesis", "Records", "an array", records);
  const windowShard = event.shardId;
  if (windowShard !== void 0 && (typeof windowShard !== "string" || windowShard === "")) {
    misshapen("Kinesis", "shardId", "the name of a shard", windowShard);
  }
  const shards = [];
  let shard;
  for (let i = 0; i < records.length; i++) {
    const record = records[i];
    check3(record, i);
    if (windowShard === void 0 && typeof record.eventID !== "string") badId(record.eventID, i);
    if (shard === void 0 || !holds(shard, record, windowShard)) {
      shard = shards.find((known2) => holds(known2, record, windowShard));
      if (shard === void 0) {
        shard = open(record, i, windowShard);
        shards.push(shard);
      }
    }
    const sequence = record.kinesis.sequenceNumber;
    if (sequence.length < shard.last.length || sequence.length === shard.last.length && sequence <= shard.last) {
      outOfOrder("Kinesis", "shard", `Records[${i}]`);
    }
    shard.last = sequence;
    shard.records.push(record);
  }
  const batches = shards.map(
    ({ arn, split, records: records2 }) => new KinesisBatch(nameOf3(STREAM_ARN.exec(arn)[1]), split, records2)
  );
  if (batches.length > 1) checkApart(batches);
  return batches;
}
function checkApart(batches) {
  const seen = /* @__PURE__ */ new Set();
  for (const { source: source2, split } of batches) {
    const name = `${source2}/${split}`;
    if (seen.has(name)) {
      throw new EventShapeError(
        `A Kinesis event needs the records of a shard to come from one stream; those of ${split} of the source "${source2}" come from two.`
      );
    }
    seen.add(name);
  }
}
function holds(shard, record, windowShard) {
  if (record.eventSourceARN !== shard.arn) return false;
  return windowShard !== void 0 || record.eventID.lastIndexOf(shard.prefix, 0) === 0;
}
function open(record, i, windowShard) {
  const { eventID, eventSourceARN: arn } = record;
  if (typeof arn !== "string" || !STREAM_ARN.test(arn)) {
    misshapen("Kinesis", `Records[${i}].eventSourceARN`, "the ARN of a stream or of a consumer of it", arn);
  }
  const split = windowShard ?? eventID.slice(0, Math.max(0, eventID.indexOf(":")));
  if (split === "") badId(eventID, i);
  return { arn, split, prefix: `${split}:`, records: [], last: "" };
}
function badId(eventID, i) {
  misshapen("Kinesis", `Records[${i}].eventID`, "a shard's name, ':' and a sequence number", eventID);
}
function check3(record, i) {
  const kinesis = record?.kinesis;
  if (!isObject(kinesis)) misshapen("Kinesis", `Records[${i}].kinesis`, "an object", kinesis);
  const { data, partitionKey, sequenceNumber, approximateArrivalTimestamp } = kinesis;
  if (typeof data !== "string") misshapen("Kinesis", `Records[${i}].kinesis.data`, "a base64 text", data);
  if (typeof partitionKey !== "string") {
    misshapen("Kinesis", `Records[${i}].kinesis.partitionKey`, "a text", partitionKey);
  }
  if (!isSequenceNumber(sequenceNumber)) {
    misshapen("Kinesis", `Records[${i}].kinesis.sequenceNumber`, `1 to ${DIGITS_MAX} digits as text`, sequenceNumber);
  }
  if (!isSeconds(approximateArrivalTimestamp)) {
    const path = `Records[${i}].kinesis.approximateArrivalTimestamp`;
    misshapen("Kinesis", path, "seconds since 1970", approximateArrivalTimestamp);
  }
}
function isSeconds(time) {
  return typeof time === "number" && time >= 0 && Number.isSafeInteger(Math.round(time * 1e3));
}
function isSequenceNumber(text2) {
  return typeof text2 === "string" && text2.length <= DIGITS_MAX && (DIGITS2.test(text2) || text2 === "0");
}
function partialAnswer3(undone) {
  const sequences = Array.from(lowestUndone(undone), ([batch, index]) => sequenceOfPosition(batch.position(index)));
  return { batchItemFailures: sequences.map((itemIdentifier) => ({ itemIdentifier })) };
}
var DIGITS2, DIGITS_MAX, STREAM_ARN;
var init_decoder3 = __esm({
  "lib/sources/kinesis/decoder.ts"() {
    "use strict";
    init_base();
    init_shape();
    init_undone();
    init_batch3();
    init_position2();
    DIGITS2 = /^[1-9]\d*$/;
    DIGITS_MAX = 129;
    STREAM_ARN = /^arn:[^:]+:kinesis:[^:]*:[^:]*:stream\/([^/:]+)(?:\/consumer\/.+)?$/;
  }
});

// lib/sinks/file/lines.ts
async function* linesIn(chunks) {
  let rest = "";
  for await (const chunk of chunks) {
    const lines2 = chunk.split("\n");
    lines2[0] = rest + lines2[0];
    rest = lines2.pop();
    for (const line of lines2) yield withoutReturn(line);
  }
  if (rest !== "") yield withoutReturn(rest);
}
function withoutReturn(line) {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
var init_lines = __esm({
  "lib/sinks/file/lines.ts"() {
    "use strict";
  }
});

// lib/sinks/file/parts.ts
import { createReadStream, existsSync } from "node:fs";
async function headerOf(path) {
  for await (const line of lines(path)) return JSON.parse(line);
  return { split: "", from: "", to: "" };
}
function lines(path) {
  return linesIn(createReadStream(path, "utf8"));
}
var CHUNK_CHARS;
var init_parts = __esm({
  "lib/sinks/file/parts.ts"() {
    "use strict";
    init_lines();
    CHUNK_CHARS = 256 * 1024;
  }
});

// lib/sinks/file/adapter.ts
var adapter_exports = {};
__export(adapter_exports, {
  fileSink: () => fileSink
});
import { mkdir, open as open2, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
async function fileSink(directory) {
  await mkdir(directory, { recursive: true });
  const names = /* @__PURE__ */ new Set();
  const reached = /* @__PURE__ */ new Map();
  for (const name of await readdir(directory)) {
    if (name.endsWith(".tmp")) {
      if (isLeftOver(name)) await rm(join(directory, name), { force: true });
      continue;
    }
    names.add(name);
    if (!name.startsWith("s.")) continue;
    const header = await headerOf(join(directory, name));
    if (header.to > (reached.get(header.split) ?? "")) reached.set(header.split, header.to);
  }
  const files = new FileSink(directory, names, reached);
  return { write: (batches) => files.write(batches), close: async () => void 0 };
}
function isLeftOver(name) {
  const pid = Number(/\.(\d+)-\d+\.tmp$/.exec(name)?.[1]);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code !== "EPERM";
  }
}
var PARTS_AT_ONCE2, TEMPORARIES_MAX, FileSink;
var init_adapter = __esm({
  "lib/sinks/file/adapter.ts"() {
    "use strict";
    init_base();
    init_parts();
    PARTS_AT_ONCE2 = 8;
    TEMPORARIES_MAX = 1e3;
    FileSink = class {
      directory;
      names;
      reached;
      unique = 0;
      constructor(directory, names, reached) {
        this.directory = directory;
        this.names = names;
        this.reached = reached;
      }
      async write(batches) {
        const parts = batches.filter((batch) => batch.kind === "operator");
        for (let at = 0; at < parts.length; at += PARTS_AT_ONCE2)
          await Promise.all(parts.slice(at, at + PARTS_AT_ONCE2).map((part3) => this.writePart(part3)));
        for (const batch of batches) if (batch.kind === "split") await this.writeRows(batch);
        const folder = await open2(this.directory);
        await folder.sync();
        await folder.close();
      }
      async writePart(batch) {
        const name = `o.${batch.operator}.${batch.part}.ndjson`;
        if (batch.rows.length === 0 || this.names.has(name)) return;
        await this.place(
          name,
          batch.rows.map((row) => rowJson(row.value))
        );
      }
      async writeRows(batch) {
        const held = this.reached.get(batch.split) ?? "";
        const rows = batch.rows.filter((row) => row.order > held);
        if (rows.length === 0) return;
        const header = { split: batch.split, from: held > batch.from ? held : batch.from, to: batch.to };
        const name = `s.${digest(batch.split)}-${digest(header.from)}-${digest(batch.to)}.ndjson`;
        await this.place(name, [
          JSON.stringify(header),
          ...rows.map(
            (row) => `{"order":${JSON.stringify(row.order)},"id":${JSON.stringify(row.id)},"row":${rowJson(row.value)}}`
          )
        ]);
        if (batch.to > (this.reached.get(batch.split) ?? "")) this.reached.set(batch.split, batch.to);
      }
      async place(name, lines2) {
        const { path, file } = await this.temporary(name);
        try {
          await file.writeFile(`${lines2.join("\n")}
`);
          await file.sync();
          await file.close();
          await rename(path, join(this.directory, name));
        } catch (error) {
          await file.close().catch(() => void 0);
          await rm(path, { force: true }).catch(() => void 0);
          throw error;
        }
        this.names.add(name);
      }
      /** A file that nobody else writes: another sink on this folder may be at the same part, in a process of the same pid even. */
      async temporary(name) {
        for (let tries = 1; ; tries++) {
          const path = join(this.directory, `${name}.${process.pid}-${this.unique++}.tmp`);
          try {
            return { path, file: await open2(path, "wx") };
          } catch (error) {
            if (error.code !== "EEXIST" || tries === TEMPORARIES_MAX) throw error;
          }
        }
      }
    };
  }
});

// test/sim/main.ts
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

// lib/testing/random.ts
var Random = class {
  state;
  constructor(seed) {
    this.state = seed | 0;
  }
  /** From 0 up to, but not, 1. */
  next() {
    this.state = this.state + 1831565813 | 0;
    let t = Math.imul(this.state ^ this.state >>> 15, 1 | this.state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  }
  /** A whole number from 0 up to, but not, `limit`. */
  below(limit) {
    return Math.floor(this.next() * limit);
  }
  /** Takes one item out of a list. */
  take(list) {
    return list.splice(this.below(list.length), 1)[0];
  }
};

// lib/testing/sim/faults.ts
var FAULTS = {
  "crash-before": { rate: 0.03, what: "a process dies before a call has its effect" },
  "crash-after": { rate: 0.03, what: "a process dies after a call had its effect, before the answer" },
  evict: { rate: 0.3, what: "a warm container is thrown away: the next invocation starts cold" },
  stall: { rate: 0.01, what: "everything stands still for seconds: invocations run into their timeout" },
  zombie: { rate: 0.03, what: "a poller gives an attempt up, which wakes at any later time and goes on" },
  throttle: { rate: 0.05, what: "the table throttles a request beyond all retries" },
  "throttle-burst": { rate: 0.01, what: "the table throttles every other request for seconds" },
  "lost-request": { rate: 0.03, what: "a request to the table never arrives, and no answer comes" },
  "lost-answer": { rate: 0.03, what: "a request to the table has its effect, but its answer is lost" },
  "late-effect": { rate: 0.03, what: "a write has its effect long after it was given up, behind the retry" },
  "partial-batch": { rate: 0.05, what: "some items of one insert are written, others are not, and the call fails" },
  "sink-reject": { rate: 0.1, what: "a sink takes nothing and fails" },
  "sink-partial": { rate: 0.1, what: "a sink takes some batches and fails" },
  "sink-lost-answer": { rate: 0.1, what: "a sink takes everything, and its answer is lost" },
  "sink-late-effect": { rate: 0.05, what: "a sink takes rows long after the call was given up" },
  "duplicate-batch": { rate: 0.2, what: "a batch that was done comes again, up to hours later" },
  "overlapping-batch": { rate: 0.3, what: "a batch begins with records that were done" },
  "garbled-answer": { rate: 0.05, what: "a mapping cannot use the answer, and delivers all of the batch again" },
  bisect: { rate: 0.5, what: "a failed batch comes again, halved" },
  recut: { rate: 0.5, what: "a failed batch comes again, cut otherwise" },
  "second-poller": { rate: 0.02, what: "two pollers deliver one split at once, the second from an old position" },
  rebalance: { rate: 0.03, what: "a Kafka partition goes to another poller while its batch is under way" },
  "early-child": { rate: 0.5, what: "a shard is delivered before its parent is done" },
  "malformed-event": { rate: 0.05, what: "an event comes that no source has" },
  "lost-message": { rate: 0.6, what: "a request to advance is lost" },
  "duplicate-message": { rate: 0.6, what: "a request to advance comes twice" },
  "lost-tick": { rate: 0.3, what: "the schedule skips a beat" },
  "list-fails": { rate: 0.1, what: "a source does not say which splits it has" },
  "list-incomplete": { rate: 0.05, what: "a source leaves a split out of its list" },
  "peek-unknown": { rate: 0.2, what: "a source cannot say whether something waits" },
  "verify-fails": { rate: 0.2, what: "a source does not say whether its log goes on" },
  "clock-skew": { rate: 0.5, what: "the clock of a container is up to ten minutes off" },
  "clock-jump": { rate: 0.01, what: "the clock of a container jumps, forward or back, while it runs" },
  outage: { rate: 0.05, what: "nothing is delivered for hours or days" },
  expiry: { rate: 1, what: "an item past its time to live is deleted" },
  trim: { rate: 0.05, what: "records are deleted before they were read" },
  "topic-remade": { rate: 0.2, what: "a Kafka topic is deleted and made anew" },
  "operator-dies": { rate: 1, what: "an operator's command is killed before it has done anything, or half-way" },
  "bit-flip": { rate: 0.2, what: "a value in the table changes by itself" },
  "lost-segment": { rate: 0.2, what: "a segment, or a part of one, is gone from the table" },
  "other-graph": { rate: 0.02, what: "a container with another graph starts on the same state" },
  "future-format": { rate: 0.1, what: "a segment is in the format of a later version" },
  "killer-record": { rate: 0.02, what: "a record that kills the process which touches it" },
  poison: { rate: 0.1, what: "a record that is no value: bytes, base64, JSON, timestamp, or a step that throws on it" },
  oversize: { rate: 0.05, what: "a record larger than its source allows" },
  tombstone: { rate: 0.1, what: "a Kafka record without a value" },
  "future-stamp": { rate: 0.05, what: "a record stamped far in the future" },
  "late-flood": { rate: 0.5, what: "a record long behind its time" },
  "hot-key": { rate: 1, what: "a record of the one key that most have" },
  "equal-stamps": { rate: 0.5, what: "a record of the same time as the one before, or right at an edge of a window" },
  "offset-gap": { rate: 0.3, what: "an offset that no record has: compaction, a transaction marker" },
  reshard: { rate: 0.5, what: "a shard splits, or two merge" },
  "partition-added": { rate: 0.5, what: "a partition or shard appears while the pipeline runs" },
  idle: { rate: 0.1, what: "a split is quiet for a while, and wakes with old records" },
  "refused-row": { rate: 1, what: "a sink can never take a row" }
};
var FAULT_NAMES = Object.keys(FAULTS);
var Swarm = class {
  /** Injections by kind. */
  counts = /* @__PURE__ */ new Map();
  /** Injections so far, left out ones too. */
  ordinals = 0;
  /** Told of each injection. */
  onInjection = () => void 0;
  rates = /* @__PURE__ */ new Map();
  random;
  allows;
  isOver = false;
  constructor({ seed, kinds = FAULT_NAMES, allows }) {
    this.random = new Random(seed ^ 625341585);
    this.allows = allows;
    for (const kind of FAULT_NAMES) {
      const share = this.random.next();
      const height = this.random.next();
      if (!kinds.includes(kind) || share >= 1 / 3) continue;
      this.rates.set(kind, FAULTS[kind].rate * (0.05 + 0.95 * height));
    }
  }
  has(kind) {
    return this.rates.has(kind);
  }
  /** From now on nothing is injected any more: what is left has to come right by itself. */
  end() {
    this.isOver = true;
  }
  get hasEnded() {
    return this.isOver;
  }
  /** Whether a fault of this kind happens here and now. True is an injection, and is counted as one. */
  strikes(kind) {
    if (!this.chance(kind)) return false;
    this.count(kind);
    return true;
  }
  /** Whether one may happen; whoever brings it about counts it then. */
  chance(kind) {
    const rate = this.rates.get(kind);
    if (rate === void 0 || this.isOver || this.random.next() >= rate) return false;
    const ordinal = this.ordinals++;
    return this.allows === void 0 || this.allows(ordinal);
  }
  /** An injection has taken place. */
  count(kind) {
    this.onInjection(kind);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
  /** A number for the details of a fault, from 0 up to, but not, `limit`. */
  below(limit) {
    return this.random.below(limit);
  }
};

// lib/testing/sim/world-options.ts
var START_MS = 17e11;

// test/sim/run.ts
init_decoder();
init_decoder2();
init_decoder3();

// lib/testing/sim/log.ts
var SEQUENCE_PREFIX = "4964";
var SEQUENCE_DIGITS = 24;
function positionOf(connector, { offset, sub }) {
  if (connector !== "kinesis") return String(offset).padStart(20, "0");
  const digits = kinesisSequence(offset);
  const position = `${String(digits.length).padStart(3, "0")}:${digits}`;
  return sub === void 0 ? position : `${position}:${String(sub).padStart(8, "0")}`;
}
function kinesisSequence(offset) {
  return `${SEQUENCE_PREFIX}${String(offset).padStart(offset < 1e3 ? SEQUENCE_DIGITS : SEQUENCE_DIGITS + 1, "0")}`;
}
var SimLog = class {
  plan;
  connector;
  startMs;
  records;
  /** The index of the first record that is still there. */
  kept = 0;
  /** The index from which its mapping delivers next. */
  next = 0;
  /** How often its topic was made anew. */
  generation = 0;
  /** When records were taken that came later than planned. */
  delayed = /* @__PURE__ */ new Map();
  /** Records that were deleted unread, by generation. */
  lost = [];
  positions;
  constructor(plan2, connector, startMs) {
    this.plan = plan2;
    this.connector = connector;
    this.startMs = startMs;
    this.records = plan2.records;
    this.positions = this.records.map((record) => positionOf(connector, record));
  }
  /** The split's id in the state: a log that was made anew is another split. */
  get splitId() {
    return this.idOf(this.generation);
  }
  /** What it was before it was made anew, until an operator says so to the state. */
  get idBefore() {
    return this.idOf(Math.max(0, this.generation - 1));
  }
  idOf(generation) {
    return generation === 0 ? this.plan.split : `${this.plan.split}@${generation}`;
  }
  get name() {
    return `${this.plan.source}/${this.plan.split}`;
  }
  arrivalOf(index) {
    return this.arrivalAt(this.records[index]);
  }
  arrivalAt(record) {
    return this.delayed.get(record) ?? this.startMs + record.arrivalMs;
  }
  position(index) {
    return this.positions[index];
  }
  isListed(now) {
    return now >= this.startMs + (this.plan.fromMs ?? 0);
  }
  /** How many records there are by now; the last source record may be an aggregate of some. */
  visible(now) {
    let count2 = this.next;
    while (count2 < this.records.length && this.arrivalOf(count2) <= now) count2++;
    return count2;
  }
  /** When the next record arrives, or undefined. */
  nextArrival(now) {
    const index = this.visible(now);
    return index < this.records.length ? this.arrivalOf(index) : void 0;
  }
  isClosed(now) {
    const { isClosed, closesMs = 0 } = this.plan;
    return isClosed === true && now >= this.startMs + closesMs && this.visible(now) === this.records.length;
  }
  indexOf(position) {
    return this.positions.indexOf(position);
  }
  /** The records of these indices were deleted unread, and it was said. */
  loses(from, to) {
    for (const record of this.records.slice(from, to))
      if (!this.lost.some((gone) => gone.record === record)) this.lost.push({ generation: this.generation, record });
  }
  /** The first index after a position. */
  after(position) {
    let index = 0;
    while (index < this.positions.length && this.positions[index] <= position) index++;
    return index;
  }
  /** The end of the source record that holds the index before `end`. */
  unitEnd(end2) {
    let at = end2;
    while (at > 0 && at < this.records.length && this.records[at].offset === this.records[at - 1].offset) at++;
    return at;
  }
  /** The start of the source record that holds the index. */
  unitStart(index) {
    let at = index;
    while (at > 0 && at < this.records.length && this.records[at].offset === this.records[at - 1].offset) at--;
    return at;
  }
  /** What it held when it was another log, by generation. */
  past = [];
  /** The topic is deleted and made anew: other records, from offset 0. */
  remake() {
    this.past.push(this.records);
    this.records = this.plan.remade ?? [];
    this.positions = this.records.map((record) => positionOf(this.connector, record));
    this.generation++;
    this.kept = 0;
    this.next = 0;
  }
};

// lib/testing/sim/world.ts
init_base();

// lib/observe/logger.ts
function jsonLogger(write2 = (line) => process.stdout.write(`${line}
`), fields = {}) {
  const log = (level) => (message, more = {}) => write2(JSON.stringify({ level, message, ...fields, ...more }));
  return { info: log("info"), warn: log("warn"), error: log("error") };
}

// lib/observe/metrics.ts
var InvocationMetrics = class {
  metrics = /* @__PURE__ */ new Map();
  onFlush;
  constructor(onFlush = () => void 0) {
    this.onFlush = onFlush;
  }
  add(name, value, unit) {
    const metric = this.metrics.get(name);
    if (metric === void 0) this.metrics.set(name, { value, unit });
    else metric.value += value;
  }
  peak(name, value, unit) {
    const metric = this.metrics.get(name);
    if (metric === void 0) this.metrics.set(name, { value, unit });
    else metric.value = Math.max(metric.value, value);
  }
  flush(dimensions) {
    const metrics = this.metrics;
    this.metrics = /* @__PURE__ */ new Map();
    this.onFlush(metrics, dimensions);
  }
};
function emfMetrics(now, write2 = (line) => process.stdout.write(`${line}
`)) {
  return new InvocationMetrics((metrics, dimensions) => {
    if (metrics.size === 0) return;
    const values = Object.fromEntries([...metrics].map(([name, metric]) => [name, metric.value]));
    const directive = {
      Namespace: "Millrace",
      Dimensions: [Object.keys(dimensions)],
      Metrics: [...metrics].slice(0, 100).map(([name, metric]) => ({ Name: name, Unit: metric.unit }))
    };
    write2(JSON.stringify({ _aws: { Timestamp: now(), CloudWatchMetrics: [directive] }, ...dimensions, ...values }));
  });
}

// lib/observe/system.ts
import { randomUUID } from "node:crypto";
var systemClock = { now: () => Date.now() };
var randomIds = { next: () => randomUUID() };

// lib/window/slices.ts
init_base();

// lib/window/window.ts
init_base();
function tumbling(size) {
  const sizeMs = milliseconds(size, "The size of a tumbling window", SLICE_MS_MIN);
  return Object.freeze({ kind: "tumbling", sizeMs, stepMs: sizeMs });
}
function hopping(size, slide) {
  const sizeMs = milliseconds(size, "The size of a hopping window", SLICE_MS_MIN);
  const stepMs = milliseconds(slide, "The slide of a hopping window", SLICE_MS_MIN);
  const grid = gcd(sizeMs, stepMs);
  if (grid < SLICE_MS_MIN) {
    throw new ConfigError(
      "bad-window",
      `Size and slide of a hopping window need a common divisor of at least ${formatDuration(SLICE_MS_MIN)}; ${formatDuration(sizeMs)} and ${formatDuration(stepMs)} have ${formatDuration(grid)}. Use rounder durations.`
    );
  }
  checkCount("hopping", sizeMs, stepMs, "slide");
  return Object.freeze({ kind: "hopping", sizeMs, stepMs });
}
function cumulate(size, step) {
  const sizeMs = milliseconds(size, "The size of a cumulate window", SLICE_MS_MIN);
  const stepMs = milliseconds(step, "The step of a cumulate window", SLICE_MS_MIN);
  if (sizeMs % stepMs !== 0) {
    const fits = Math.max(1, Math.round(sizeMs / stepMs)) * stepMs;
    throw new ConfigError(
      "bad-window",
      `The size of a cumulate window must be a multiple of its step; ${formatDuration(sizeMs)} is none of ${formatDuration(stepMs)}. A size of ${formatDuration(fits)} would be.`
    );
  }
  checkCount("cumulate", sizeMs, stepMs, "step");
  return Object.freeze({ kind: "cumulate", sizeMs, stepMs });
}
function checkCount(kind, sizeMs, stepMs, step) {
  const count2 = Math.ceil(sizeMs / stepMs);
  if (count2 <= WINDOWS_PER_RECORD_MAX) return;
  throw new ConfigError(
    "bad-window",
    `A record may fall into at most ${WINDOWS_PER_RECORD_MAX} windows; a ${kind} window of ${formatDuration(sizeMs)} with a ${step} of ${formatDuration(stepMs)} gives ${count2}. Use a longer ${step}.`
  );
}
function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}

// lib/window/slices.ts
var HOUR_MS = 36e5;
var MINUTE_MS = 6e4;
var NARROW_SLICES_PER_BUCKET = 8;
var OPEN_BUCKETS = 2;
var ROUND_MS = [
  100,
  200,
  250,
  500,
  ...[1, 2, 5, 10, 15, 20, 30].map((s) => s * 1e3),
  ...[1, 2, 5, 10, 15, 20, 30].map((m) => m * MINUTE_MS),
  HOUR_MS
];
function gridMs(spec) {
  return spec.kind === "hopping" ? gcd(spec.sizeMs, spec.stepMs) : spec.stepMs;
}
function sliceMs(spec, allowedLatenessMs) {
  const grid = gridMs(spec);
  const limit = allowedLatenessMs > 0 ? Math.min(HOUR_MS, Math.max(SLICE_MS_MIN, allowedLatenessMs)) : HOUR_MS;
  if (grid <= limit) return grid;
  return ROUND_MS.findLast((ms) => ms <= limit && grid % ms === 0) ?? largestDivisor(grid, limit);
}
function largestDivisor(grid, limit) {
  let largest = 0;
  for (let divisor = 1; divisor * divisor <= grid; divisor++) {
    if (grid % divisor !== 0) continue;
    for (const width of [divisor, grid / divisor])
      if (width >= SLICE_MS_MIN && width <= limit && width > largest) largest = width;
  }
  return largest === 0 ? grid : largest;
}
var Slices = class {
  widthMs;
  /** Longest window, ms. */
  spanMs;
  slicesPerBucket;
  bucketMs;
  /** How far above its own watermark a split's rows lie, about, ms. */
  openMs;
  spec;
  offsetMs;
  allowedLatenessMs;
  /** `openMs`: how far above its own watermark a split's rows lie, about. */
  constructor(spec, offsetMs, allowedLatenessMs, openMs2 = 0) {
    this.spec = spec;
    this.offsetMs = offsetMs;
    this.allowedLatenessMs = allowedLatenessMs;
    this.widthMs = sliceMs(spec, allowedLatenessMs);
    this.spanMs = spec.sizeMs;
    this.openMs = openMs2;
    this.slicesPerBucket = Math.max(
      this.widthMs >= MINUTE_MS ? 1 : NARROW_SLICES_PER_BUCKET,
      Math.ceil(openMs2 / this.widthMs / OPEN_BUCKETS)
    );
    this.bucketMs = this.widthMs * this.slicesPerBucket;
  }
  /** The end of the slice that holds the instant. */
  sliceEnd(time) {
    return (Math.floor((time - this.offsetMs) / this.widthMs) + 1) * this.widthMs + this.offsetMs;
  }
  /** The highest slice end at or below the watermark: every slice up to it is closed. */
  frontier(watermark) {
    return Math.floor((watermark - this.offsetMs) / this.widthMs) * this.widthMs + this.offsetMs;
  }
  /** The end of the bucket that holds the slice with this end. */
  bucketEnd(sliceEnd) {
    return Math.ceil((sliceEnd - this.offsetMs) / this.bucketMs) * this.bucketMs + this.offsetMs;
  }
  /** How many windows hold an instant. */
  windowCount(time) {
    const { kind, sizeMs, stepMs } = this.spec;
    if (kind === "tumbling") return 1;
    const into = modulo(time - this.offsetMs, kind === "hopping" ? stepMs : sizeMs);
    if (kind === "cumulate") return sizeMs / stepMs - Math.floor(into / stepMs);
    return into < sizeMs ? Math.floor((sizeMs - into - 1) / stepMs) + 1 : 0;
  }
  /** The windows that hold an instant, by ascending end. */
  windowsOf(time) {
    const { kind, sizeMs, stepMs } = this.spec;
    const windows = [];
    if (kind === "cumulate") {
      const start = time - modulo(time - this.offsetMs, sizeMs);
      for (let end2 = start + stepMs; end2 <= start + sizeMs; end2 += stepMs) if (end2 > time) windows.push({ start, end: end2 });
      return windows;
    }
    const latest = time - modulo(time - this.offsetMs, stepMs);
    for (let start = latest; start > time - sizeMs; start -= stepMs) windows.push({ start, end: start + sizeMs });
    return windows.reverse();
  }
  /** How many of the windows that hold an instant no longer take rows, and how many have ended but still do, at an effective own watermark. */
  standing(time, own) {
    const { kind, sizeMs, stepMs } = this.spec;
    const count2 = this.windowCount(time);
    const latest = time - modulo(time - this.offsetMs, kind === "cumulate" ? sizeMs : stepMs);
    const firstEnd = kind === "cumulate" ? latest + (sizeMs / stepMs - count2 + 1) * stepMs : latest - (count2 - 1) * stepMs + sizeMs;
    const endedBy = (watermark) => Math.max(0, Math.min(count2, Math.floor((watermark - firstEnd) / stepMs) + 1));
    const expired = endedBy(own - this.allowedLatenessMs);
    return { count: count2, expired, late: endedBy(own) - expired, firstEnd };
  }
  /** The n-th of the windows that hold an instant, by ascending end, of those that `standing` has told of. */
  windowAt({ firstEnd }, n) {
    const { kind, sizeMs, stepMs } = this.spec;
    const end2 = firstEnd + n * stepMs;
    return { start: kind === "cumulate" ? end2 - 1 - modulo(end2 - 1 - this.offsetMs, sizeMs) : end2 - sizeMs, end: end2 };
  }
  /** The window that ends exactly here, if there is one. */
  windowEnding(end2) {
    const { kind, sizeMs, stepMs } = this.spec;
    if (kind === "cumulate") {
      if (modulo(end2 - this.offsetMs, stepMs) !== 0) return void 0;
      return { start: end2 - 1 - modulo(end2 - 1 - this.offsetMs, sizeMs), end: end2 };
    }
    const start = end2 - sizeMs;
    return modulo(start - this.offsetMs, stepMs) === 0 ? { start, end: end2 } : void 0;
  }
  /**
   * The start of the earliest window that may still have a pane once every slice up to this one is closed: what lies before it is read no more, and all that comes after is. Without late rows
   * only windows that have not ended have one.
   */
  neededFrom(closed, latenessMs = this.allowedLatenessMs) {
    const { kind, sizeMs, stepMs } = this.spec;
    const grid = kind === "hopping" ? sizeMs : 0;
    const ended = closed - latenessMs;
    const end2 = (Math.floor((ended - grid - this.offsetMs) / stepMs) + 1) * stepMs + grid + this.offsetMs;
    const start = kind === "cumulate" ? end2 - 1 - modulo(end2 - 1 - this.offsetMs, sizeMs) : end2 - sizeMs;
    return Math.min(start, closed);
  }
  /** A record counts in each window whose end + allowed lateness lies above its effective own watermark. */
  counts(windowEnd, own) {
    return windowEnd + this.allowedLatenessMs > own;
  }
  /** The last slice in whose closing the window can still have a pane. */
  lastPaneSlice(windowEnd) {
    return this.sliceEnd(windowEnd + this.allowedLatenessMs - 1);
  }
};
function modulo(a, b) {
  const rest = a % b;
  return rest < 0 ? rest + b : rest;
}

// lib/pipeline/graph.ts
function stepName({ kind }) {
  return kind === "flat-map" ? "flatMap" : kind === "divert" ? "sideOutput" : kind;
}
function inputsOf(node) {
  if (node.kind === "source") return [];
  return node.kind === "merge" ? node.inputs : [node.input];
}

// lib/pipeline/manifest.ts
init_base();
function manifest(plan2) {
  const { pipeline: pipeline2 } = plan2;
  return {
    format: 1,
    pipeline: pipeline2.name,
    keyGroups: pipeline2.keyGroups,
    nodes: pipeline2.nodes.map((node) => ({ kind: node.kind, ...detail(node, plan2) }))
  };
}
function detail(node, plan2) {
  switch (node.kind) {
    case "source": {
      const { source: source2 } = node;
      return {
        name: source2.name,
        connector: source2.connector,
        watermark: { kind: source2.watermark.kind, boundMs: source2.watermark.boundMs },
        maxFutureDriftMs: source2.maxFutureDriftMs,
        onFutureDrift: source2.onFutureDrift
      };
    }
    case "merge":
      return { inputs: node.inputs };
    case "sink":
      return { input: node.input, name: node.sink.name, connector: node.sink.connector };
    case "aggregate": {
      const { slices } = plan2.operators.find((operator2) => operator2.node === node);
      return {
        input: node.input,
        name: node.name,
        window: node.window,
        offsetMs: node.offsetMs,
        allowedLatenessMs: node.allowedLatenessMs,
        accumulation: node.accumulation,
        sliceMs: slices.widthMs,
        slicesPerBucket: slices.slicesPerBucket,
        folds: Object.entries(node.aggregates).map(([field, fold2]) => ({
          field,
          kind: fold2.kind,
          options: fold2.options
        }))
      };
    }
    default:
      return { input: node.input };
  }
}
function stateful(made) {
  const kept = made.nodes.flatMap((node, id) => node.kind === "sink" ? [] : [id]);
  const place = (id) => kept.indexOf(id);
  const nodes = kept.map((id) => {
    const node = made.nodes[id];
    if (Array.isArray(node.inputs)) return { ...node, inputs: node.inputs.map(place) };
    return "input" in node ? { ...node, input: place(node.input) } : node;
  });
  return { ...made, nodes };
}
function fingerprint(plan2) {
  return digest(JSON.stringify(stateful(manifest(plan2))));
}
function difference(before, after) {
  return differenceAt("pipeline", stateful(before), stateful(after));
}
function differenceAt(path, before, after) {
  if (before === after) return void 0;
  if (typeof before !== "object" || typeof after !== "object" || before === null || after === null) {
    return `${path} was ${JSON.stringify(before) ?? "absent"} and is ${JSON.stringify(after) ?? "absent"}`;
  }
  const a = before;
  const b = after;
  for (const name of /* @__PURE__ */ new Set([...Object.keys(a), ...Object.keys(b)])) {
    const label = Array.isArray(before) ? `${path}[${name}]` : `${path}.${name}`;
    const found = differenceAt(label, a[name], b[name]);
    if (found) return found;
  }
  return void 0;
}

// lib/pipeline/plan.ts
init_base();

// lib/pipeline/rules.ts
init_base();
function check4(plan2) {
  const { name, nodes } = plan2.pipeline;
  if (plan2.sources.length === 0)
    throw new ConfigError("no-source", `Pipeline "${name}" reads nothing: start it with p.from(source).`);
  unique(
    "Sources",
    plan2.sources.map((source2) => source2.name)
  );
  unique(
    "Stateful steps",
    plan2.operators.map((operator2) => operator2.name)
  );
  unique(
    "Sinks",
    plan2.sinks.map((sink) => sink.name)
  );
  for (const input of plan2.sources) {
    if (plan2.operators.some((operator2) => operator2.name === input.name)) {
      throw new ConfigError(
        "name-taken",
        `Sources and stateful steps share one space of names; "${input.name}" is both. Rename one.`
      );
    }
  }
  for (const node of nodes) if (!isRead(node, plan2)) throw unread(node);
  for (const operator2 of plan2.operators) {
    if (operator2.slices.widthMs < SLICE_MS_MIN) {
      throw new ConfigError(
        "bad-window",
        `The slices of "${operator2.name}" would be ${formatDuration(operator2.slices.widthMs)} wide; ${formatDuration(SLICE_MS_MIN)} is the least. Use a rounder size or step.`
      );
    }
  }
  checkShared(plan2);
  checkCycles(plan2);
  for (const stage of plan2.stages)
    for (const input of stage.inputs) if (input.kind === "operator") checkChained(plan2, input.operator.name);
}
function unique(what, names) {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== void 0)
    throw new ConfigError(
      "name-taken",
      `${what} of a pipeline need names of their own; "${twice}" is used twice. Rename one.`
    );
}
function isRead(node, plan2) {
  const readers = plan2.readers[node.id];
  if (node.kind === "divert") return readers.some((reader) => reader.kind !== "side");
  return node.kind === "sink" || readers.length > 0;
}
function unread(node) {
  const what = node.kind === "source" ? `the source "${node.source.name}"` : node.kind === "aggregate" ? `the aggregate "${node.name}"` : node.kind === "side" ? "the side of a sideOutput step" : `a ${stepName(node)} step`;
  return new ConfigError(
    "no-sink",
    `The rows of ${what} go nowhere. End the stream with .to(sink), or remove the step.`
  );
}
function checkShared(plan2) {
  for (const sink of plan2.sinks.filter((candidate) => candidate.isOfOneOperator === true)) {
    const writers = writersOf(plan2, sink.name);
    if (writers.length < 2) continue;
    throw new ConfigError(
      "shared-sink",
      `The results of "${writers[0].name}" and "${writers[1].name}" go to one ${sink.connector} sink, "${sink.name}", where results of one key and window would take each other's place. Give each a sink of its own, or say by item which is which.`
    );
  }
}
function writersOf(plan2, sink) {
  return plan2.operators.filter((operator2) => writesTo(plan2, operator2.node.id, sink));
}
function writesTo(plan2, id, sink) {
  return plan2.readers[id].some(
    (reader) => reader.kind === "sink" ? reader.sink.name === sink : reader.kind !== "aggregate" && writesTo(plan2, reader.id, sink)
  );
}
function checkCycles(plan2) {
  const inputs = plan2.stages.flatMap((stage) => stage.inputs).filter((input) => input.kind === "operator");
  for (const { operator: operator2, stage } of inputs) {
    if (!feeds(inputs, stage, operator2.stage, /* @__PURE__ */ new Set())) continue;
    throw new ConfigError(
      "stage-cycle",
      `The results of "${operator2.name}" meet rows that wait for the same watermark as "${operator2.name}" itself, so that neither could go on. Give those rows a stateful step of their own first, or read their source under a second name.`
    );
  }
}
function feeds(inputs, from, to, seen) {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return inputs.some((input) => input.operator.stage === from && feeds(inputs, input.stage, to, seen));
}
function checkChained(plan2, name) {
  const upstream = plan2.operators.find((operator2) => operator2.name === name);
  if (upstream.node.allowedLatenessMs === 0) return;
  const chained2 = downstream(plan2, upstream.node.id);
  for (const operator2 of chained2) {
    if (upstream.node.accumulation === "accumulating") {
      throw new ConfigError(
        "chained-accumulating",
        `"${operator2.name}" reads the results of "${name}", whose late panes would count rows again. Give "${name}" accumulation: 'retracting' or 'discarding', or no allowedLateness.`
      );
    }
    const stuck = upstream.node.accumulation === "retracting" ? operator2.folds.findIndex((fold2) => !fold2.invertible) : -1;
    if (stuck >= 0) {
      throw new ConfigError(
        "chained-no-inverse",
        `"${operator2.name}" takes back rows of the retracting "${name}"; its field "${operator2.fields[stuck]}" (${operator2.folds[stuck].kind}) cannot. Use count, sum, avg or stddev, or no allowedLateness on "${name}".`
      );
    }
  }
}
function downstream(plan2, id) {
  const reached = /* @__PURE__ */ new Set();
  const visit = (from) => {
    for (const reader of plan2.readers[from]) {
      if (reached.has(reader.id)) continue;
      reached.add(reader.id);
      if (reader.kind !== "aggregate") visit(reader.id);
    }
  };
  visit(id);
  return plan2.operators.filter((operator2) => reached.has(operator2.node.id));
}

// lib/pipeline/stages.ts
init_base();
function cutStages(pipeline2) {
  const { nodes } = pipeline2;
  const readers = nodes.map(() => []);
  for (const node of nodes) for (const input of inputsOf(node)) readers[input].push(node);
  const feeds2 = nodes.map(
    (node) => node.kind === "source" || node.kind === "aggregate" ? operatorsAfter(node, readers) : []
  );
  const stageOf = stages(nodes, feeds2);
  const inStage = /* @__PURE__ */ new Map();
  const operators = nodes.filter((node) => node.kind === "aggregate").map((node) => {
    const stage = stageOf.operator.get(node.id);
    const index = inStage.get(stage) ?? 0;
    inStage.set(stage, index + 1);
    return operatorPlan(node, stage, index, pipeline2, openMs(nodes, stage, stageOf.input));
  });
  const operatorOf2 = new Map(operators.map((operator2) => [operator2.node.id, operator2]));
  const inputs = [];
  for (const node of nodes) {
    const stage = stageOf.input.get(node.id);
    if (stage === void 0) continue;
    if (node.kind === "source")
      inputs.push({ kind: "source", name: node.source.name, node: node.id, stage, source: node.source });
    if (node.kind === "aggregate")
      inputs.push({ kind: "operator", name: node.name, node: node.id, stage, operator: operatorOf2.get(node.id) });
  }
  const list = Array.from({ length: stageOf.count }, (_, index) => ({
    index,
    inputs: inputs.filter((input) => input.stage === index),
    operators: operators.filter((operator2) => operator2.stage === index)
  }));
  return Object.freeze({
    pipeline: pipeline2,
    stages: list,
    operators,
    sources: nodes.filter((node) => node.kind === "source").map((node) => node.source),
    sinks: sinksOf(pipeline2),
    readers
  });
}
function operatorsAfter(start, readers) {
  const found = /* @__PURE__ */ new Set();
  const seen = /* @__PURE__ */ new Set();
  const visit = (id) => {
    for (const reader of readers[id]) {
      if (seen.has(reader.id)) continue;
      seen.add(reader.id);
      if (reader.kind === "aggregate") found.add(reader);
      else visit(reader.id);
    }
  };
  visit(start.id);
  return [...found];
}
function stages(nodes, feeds2) {
  const root = /* @__PURE__ */ new Map();
  const find = (name) => {
    const up = root.get(name);
    return up === void 0 || up === name ? name : find(up);
  };
  const isInput = (node) => node.kind === "source" || node.kind === "aggregate" && feeds2[node.id].length > 0;
  for (const node of nodes)
    for (const operator3 of feeds2[node.id]) root.set(find(`o${operator3.id}`), find(`i${node.id}`));
  const numbers = /* @__PURE__ */ new Map();
  const number = (name) => {
    const top = find(name);
    if (!numbers.has(top)) numbers.set(top, numbers.size);
    return numbers.get(top);
  };
  const input = /* @__PURE__ */ new Map();
  const operator2 = /* @__PURE__ */ new Map();
  for (const node of nodes) if (isInput(node)) input.set(node.id, number(`i${node.id}`));
  for (const node of nodes) if (node.kind === "aggregate") operator2.set(node.id, number(`o${node.id}`));
  return { input, operator: operator2, count: numbers.size };
}
function openMs(nodes, stage, stageOf) {
  const bounds = nodes.filter((node) => stageOf.get(node.id) === stage).map((node) => {
    if (node.kind === "source") return node.source.watermark.boundMs;
    return node.kind === "aggregate" ? sliceMs(node.window, node.allowedLatenessMs) : 0;
  });
  return Math.max(0, ...bounds);
}
function operatorPlan(node, stage, index, pipeline2, openMs2) {
  return {
    node,
    name: node.name,
    stage,
    index,
    keyGroups: pipeline2.keyGroups,
    lanes: Math.min(pipeline2.keyGroups, LANES_MAX),
    slices: new Slices(node.window, node.offsetMs, node.allowedLatenessMs, openMs2),
    key: node.key,
    fields: Object.keys(node.aggregates),
    folds: Object.values(node.aggregates),
    late: node.late
  };
}
function sinksOf(pipeline2) {
  const sinks = /* @__PURE__ */ new Set();
  for (const node of pipeline2.nodes) {
    if (node.kind === "sink") sinks.add(node.sink);
    if (node.kind === "aggregate" && node.late) sinks.add(node.late);
  }
  sinks.delete(pipeline2.deadLetter);
  return [...sinks, pipeline2.deadLetter];
}

// lib/pipeline/plan.ts
var plans = /* @__PURE__ */ new WeakMap();
function plan(pipeline2) {
  const known2 = plans.get(pipeline2);
  if (known2) return known2;
  const made = cutStages(pipeline2);
  check4(made);
  plans.set(pipeline2, made);
  return made;
}
function operatorNamed(plan2, name) {
  const found = plan2.operators.find((operator2) => operator2.name === name);
  if (found) return found;
  throw new ConfigError(
    "unknown-operator",
    `Pipeline "${plan2.pipeline.name}" has no operator "${name}". It has: ${plan2.operators.map((o) => o.name).join(", ") || "none"}.`
  );
}

// lib/pipeline/pipeline.ts
init_base();

// lib/pipeline/stream.ts
init_base();
var Builder = class {
  nodes = [];
  sealed = false;
  add(node) {
    if (this.sealed) {
      throw new ConfigError(
        "pipeline-frozen",
        "A pipeline is frozen once its build function returns: add steps inside of it."
      );
    }
    const id = this.nodes.length;
    this.nodes.push(Object.freeze({ ...node, id }));
    return id;
  }
  seal() {
    this.sealed = true;
    return Object.freeze(this.nodes);
  }
  /**
   * Reads one or more sources of the same shape as one stream.
   * @example p.from(orders, legacyOrders)
   */
  from(...sources) {
    if (sources.length === 0) throw new ConfigError("no-source", "from() takes at least one source.");
    const ids = sources.map((source2) => {
      if (source2?.kind !== "source") {
        throw new ConfigError(
          "bad-source",
          "from() takes sources, as kinesisSource(), kafkaSource() and fileSource() make them."
        );
      }
      if (sources.indexOf(source2) !== sources.lastIndexOf(source2)) {
        throw new ConfigError(
          "name-taken",
          `from() reads each source once; "${source2.name}" is given twice, which would count its rows twice.`
        );
      }
      const known2 = this.nodes.find((node) => node.kind === "source" && node.source === source2);
      return known2 ? known2.id : this.add({ kind: "source", source: source2 });
    });
    return new Stream(this, ids.length === 1 ? ids[0] : this.add({ kind: "merge", inputs: ids }));
  }
};
function checkFunction(step, fn) {
  if (typeof fn !== "function")
    throw new ConfigError("bad-step", `${step} takes a function; it got ${fn === null ? "null" : typeof fn}.`);
}
var Stream = class _Stream {
  builder;
  id;
  constructor(builder, id) {
    this.builder = builder;
    this.id = id;
  }
  /**
   * One row for each row. Pure and synchronous.
   * @example orders.map(order => ({ ...order, net: order.total - order.tax }))
   */
  map(fn) {
    checkFunction("map", fn);
    return new _Stream(this.builder, this.builder.add({ kind: "map", input: this.id, fn }));
  }
  filter(fn) {
    checkFunction("filter", fn);
    return new _Stream(this.builder, this.builder.add({ kind: "filter", input: this.id, fn }));
  }
  /**
   * Any number of rows for each row.
   * @example orders.flatMap(order => order.lines)
   */
  flatMap(fn) {
    checkFunction("flatMap", fn);
    return new _Stream(this.builder, this.builder.add({ kind: "flat-map", input: this.id, fn }));
  }
  /**
   * This stream and others of the same shape as one.
   * @example p.from(orders).map(toSale).merge(p.from(refunds).map(toNegativeSale))
   */
  merge(...others) {
    for (const other of others) {
      if (other instanceof _Stream && other.builder === this.builder) continue;
      throw new ConfigError("bad-step", "merge() takes streams of the pipeline that is being built.");
    }
    const inputs = [this.id, ...others.map((other) => other.id)];
    return new _Stream(this.builder, this.builder.add({ kind: "merge", inputs }));
  }
  /**
   * Takes the rows for which `test` holds out of this stream and hands them to `build`. Returns the stream of all others.
   * @example orders.sideOutput(o => o.total > 10_000, large => large.to(ndjson('large')))
   */
  sideOutput(test, build2) {
    checkFunction("sideOutput", test);
    checkFunction("sideOutput", build2);
    const divert = this.builder.add({ kind: "divert", input: this.id, fn: test });
    build2(new _Stream(this.builder, this.builder.add({ kind: "side", input: divert })));
    return new _Stream(this.builder, divert);
  }
  /**
   * Rows of one key meet in one window. A key is a primitive or a tuple of primitives.
   * @example orders.keyBy(order => [order.country, order.customerId])
   */
  keyBy(key) {
    checkFunction("keyBy", key);
    return new KeyedStream(this.builder, this.id, key);
  }
  /**
   * Sends each row to a sink as well. Returns this stream, so that there may be many.
   * @example results.to(ndjson('revenue')).to(consoleSink())
   */
  to(sink) {
    checkSink("to()", sink);
    this.builder.add({ kind: "sink", input: this.id, sink });
    return this;
  }
};
function checkSink(what, sink) {
  if (sink?.kind !== "sink") {
    throw new ConfigError("bad-sink", `${what} takes a sink, as ndjson(), consoleSink() and callback() make them.`);
  }
}
var KeyedStream = class {
  builder;
  id;
  key;
  constructor(builder, id, key) {
    this.builder = builder;
    this.id = id;
    this.key = key;
  }
  /**
   * Groups the rows of each key by event time.
   * @example stream.keyBy(o => o.customerId).window(tumbling('5m'), { allowedLateness: '1m' })
   */
  window(spec, options2 = {}) {
    return new WindowedStream(this.builder, this.id, this.key, spec, options2);
  }
};
var WindowedStream = class {
  builder;
  id;
  key;
  spec;
  options;
  constructor(builder, id, key, spec, options2) {
    if (spec?.kind !== "tumbling" && spec?.kind !== "hopping" && spec?.kind !== "cumulate") {
      throw new ConfigError("bad-window", "window() takes tumbling(), hopping() or cumulate().");
    }
    this.builder = builder;
    this.id = id;
    this.key = key;
    this.spec = spec;
    this.options = options2;
  }
  /**
   * Folds each window's rows by named aggregates. The name is the operator's identity in the state: choose it once.
   * @example windowed.aggregate('revenue', { total: sum(o => o.amount), orders: count() })
   */
  aggregate(name, aggregates) {
    checkName("stateful step", name);
    const { offset = 0, allowedLateness = 0, late, accumulation = "accumulating" } = this.options;
    const entries = Object.entries(aggregates ?? {});
    if (entries.length === 0) {
      throw new ConfigError(
        "bad-aggregate",
        `The aggregate "${name}" needs at least one fold, such as { rows: count() }.`
      );
    }
    for (const [field, aggregate3] of entries) {
      if (typeof aggregate3?.read === "function") continue;
      throw new ConfigError(
        "bad-aggregate",
        `Field "${field}" of the aggregate "${name}" is no fold. Use count(), sum(), custom() and their kin.`
      );
    }
    if (!["accumulating", "discarding", "retracting"].includes(accumulation)) {
      throw new ConfigError(
        "bad-window",
        `accumulation is 'accumulating', 'discarding' or 'retracting'; the window of "${name}" has ${shown(accumulation)}.`
      );
    }
    if (late !== void 0) checkSink(`The late output of "${name}"`, late);
    const negative = typeof offset === "string" && offset.startsWith("-");
    const size = milliseconds(
      negative ? offset.slice(1) : typeof offset === "number" ? Math.abs(offset) : offset,
      `The offset of the window of "${name}"`
    );
    const sign = negative || typeof offset === "number" && offset < 0 ? -1 : 1;
    const every = this.spec.kind === "cumulate" ? this.spec.sizeMs : this.spec.stepMs;
    const id = this.builder.add({
      kind: "aggregate",
      input: this.id,
      name,
      key: this.key,
      window: this.spec,
      offsetMs: sign * size % every + 0,
      allowedLatenessMs: milliseconds(allowedLateness, `allowedLateness of the window of "${name}"`),
      accumulation,
      late,
      aggregates: Object.freeze({ ...aggregates })
    });
    return new Stream(this.builder, id);
  }
};

// lib/pipeline/pipeline.ts
var hostDeadLetter = Object.freeze({
  kind: "sink",
  connector: "dead-letter",
  name: "dead-letter",
  options: Object.freeze({}),
  local: false,
  open: () => {
    throw new ConfigError(
      "no-dead-letter",
      `Rejected records need a place to go: give the pipeline a deadLetter option, or bind a sink named "dead-letter" in the handler's bindings.`
    );
  }
});
function pipeline(name, second, third) {
  const build2 = typeof second === "function" ? second : third;
  const options2 = typeof second === "function" ? {} : second ?? {};
  checkName("pipeline", name);
  if (typeof build2 !== "function")
    throw new ConfigError("bad-pipeline", `pipeline("${name}") takes a build function as its last argument.`);
  const keyGroups = options2.keyGroups ?? 4;
  if (!Number.isSafeInteger(keyGroups) || keyGroups < 1 || keyGroups > KEY_GROUPS_MAX) {
    throw new ConfigError(
      "bad-key-groups",
      `keyGroups is a whole number from 1 to ${KEY_GROUPS_MAX}; pipeline "${name}" has ${keyGroups}.`
    );
  }
  if (options2.deadLetter !== void 0) checkSink(`deadLetter of "${name}"`, options2.deadLetter);
  const builder = new Builder();
  const built = build2(builder);
  if (built instanceof Promise)
    throw new ConfigError(
      "bad-pipeline",
      `The build function of "${name}" must not be async: a graph is built at once.`
    );
  const made = Object.freeze({
    kind: "pipeline",
    name,
    keyGroups,
    idleAfterMs: milliseconds(options2.idle?.after ?? "1m", `idle.after of "${name}"`, 1),
    idleClose: options2.idle?.close ?? true,
    minAdvanceMs: milliseconds(options2.minAdvance ?? "2s", `minAdvance of "${name}"`),
    deadLetter: options2.deadLetter ?? hostDeadLetter,
    nodes: builder.seal()
  });
  plan(made);
  return made;
}

// lib/runtime/cursor.ts
init_base();

// lib/runtime/keys.ts
init_base();
init_base();
var START = "0";
var AFTER_ALL = "~";
var pipelineKey = (prefix) => ({ pk: `${prefix}#pipeline`, sk: "!" });
var splitsPk = (prefix, stage) => `${prefix}#${stage}#splits`;
var splitKey = (prefix, stage, split) => ({
  pk: splitsPk(prefix, stage),
  sk: `s#${split}`
});
var watermarkKey = (prefix, stage) => ({ pk: splitsPk(prefix, stage), sk: "!" });
var groupPk = (prefix, operator2, keyGroup) => `${prefix}#${operator2}#${keyGroup}`;
var groupKey = (prefix, operator2, keyGroup) => ({
  pk: groupPk(prefix, operator2, keyGroup),
  sk: "c"
});
var PLAIN_ID = /^[A-Za-z0-9._:/@+=-]+$/;
function splitName(input, split) {
  return `${input}/${PLAIN_ID.test(split) && split.length <= SPLIT_ID_BYTES_MAX ? split : `${AFTER_ALL}${digest(split)}`}`;
}
var keyGroupSplit = (keyGroup) => String(keyGroup).padStart(4, "0");
var segmentSk = (bucketEnd, split, from) => `g#${sortable(bucketEnd)}#${split}#${from}`;
var bucketFloor = (bucketEnd) => `g#${sortable(bucketEnd)}#`;
var bucketCeiling = (bucketEnd) => `g#${sortable(bucketEnd)}#${AFTER_ALL}${AFTER_ALL}`;
var FIRST_SEGMENT = "g#";
function parseSegmentSk(sk) {
  const from = sk.lastIndexOf("#");
  const split = 2 + SORTABLE_LENGTH + 1;
  return {
    bucketEnd: unsortable(sk.slice(2, 2 + SORTABLE_LENGTH)),
    split: sk.slice(split, from),
    from: sk.slice(from + 1)
  };
}

// lib/runtime/cursor.ts
var RANK_DIGITS = 8;
var rankText = (rank2) => String(rank2).padStart(RANK_DIGITS, "0");
var doneThrough = (slice) => `${sortable(slice)}:${AFTER_ALL}`;
function doneUpTo(slice, hash, rank2) {
  return `${sortable(slice)}:${hex8(hash)}:${rank2 === void 0 ? "" : `${rankText(rank2)}:`}${AFTER_ALL}`;
}
function rowPosition(slice, hash, rank2, n) {
  return `${sortable(slice)}:${hex8(hash)}:${rankText(rank2)}:${String(n).padStart(6, "0")}`;
}
function readCursor(text2) {
  if (text2 === "") return { slice: TIME_MIN, hash: void 0, rank: void 0 };
  const [slice, hash, rank2] = [text2.slice(0, SORTABLE_LENGTH), ...text2.slice(SORTABLE_LENGTH + 1).split(":")];
  return {
    slice: unsortable(slice),
    hash: hash === AFTER_ALL ? void 0 : Number.parseInt(hash, 16),
    rank: hash === AFTER_ALL || rank2 === AFTER_ALL ? void 0 : Number(rank2)
  };
}

// lib/runtime/limits.ts
init_base();
var LIMITS = {
  chunkRecords: CHUNK_RECORDS,
  chunkEntries: CHUNK_ENTRIES_MAX,
  chunkRows: CHUNK_ROWS_MAX,
  chunkBytes: CHUNK_BYTES_MAX,
  chunkSegments: CHUNK_SEGMENTS_MAX,
  spareLifeMs: SPARE_LIFE_MS,
  segmentBytes: SEGMENT_BYTES_MAX,
  advanceBytes: ADVANCE_BYTES_MAX,
  sinkRows: SINK_ROWS_MAX,
  partRows: PART_ROWS_MAX
};

// lib/runtime/watermark.ts
init_base();

// lib/runtime/age.ts
init_base();
function ageMs(now, then) {
  if (then > now + CLOCK_BOUND_MS) return Number.POSITIVE_INFINITY;
  return Math.max(0, now - then);
}

// lib/runtime/marks.ts
init_base();

// lib/runtime/seal.ts
init_base();
function sealOf(sk, ...values) {
  let hash = hash32(sk);
  for (const value of values) hash = hash32(value === void 0 ? "" : String(value), hash);
  return hash;
}
function checkSeal(item, seal, expected, what) {
  if (item[seal] === expected) return;
  throw new StopError(
    "damaged-state",
    `The checksum of ${what} is wrong (${item.pk} ${item.sk}, ${seal}): it was changed by somebody other than Millrace. Restore the item or the table, or open a new run.`
  );
}

// lib/runtime/split-item.ts
init_base();
var chainName = (operator2, lane, bucketEnd) => `${operator2}.${lane}.${bucketEnd.toString(36)}`;
var chainBucket = (chain) => Number.parseInt(chain.slice(chain.lastIndexOf(".") + 1), 36);
function noCounters(operators) {
  return {
    in: 0,
    rejected: 0,
    filtered: 0,
    passed: 0,
    repeats: 0,
    operators: Array.from({ length: operators }, () => ({ counted: 0, late: 0, expired: 0 }))
  };
}
function addCounters(a, b) {
  return {
    in: a.in + b.in,
    rejected: a.rejected + b.rejected,
    filtered: a.filtered + b.filtered,
    passed: a.passed + b.passed,
    repeats: a.repeats + b.repeats,
    operators: b.operators.map((rows, i) => {
      const before = a.operators[i] ?? { counted: 0, late: 0, expired: 0 };
      return {
        counted: before.counted + rows.counted,
        late: before.late + rows.late,
        expired: before.expired + rows.expired
      };
    })
  };
}
function effective(split) {
  return Math.max(split.own, split.gate);
}
function asRead({ position, epoch }) {
  return [
    { attribute: "position", is: "equal", value: position },
    // guard: as-read-position
    { attribute: "epoch", is: "equal", value: epoch }
    // guard: as-read-epoch
  ];
}
function standing(split) {
  return split.status === "parting" ? split.was : split.status;
}
function freshSplit(name, start, parents, now, status = "joining", origin = "", generation = 0) {
  const progress = { position: start, own: TIME_MIN, top: TIME_MIN };
  const membership = {
    status,
    was: "joining",
    gate: TIME_MIN,
    epoch: 1,
    origin,
    generation,
    next: ""
  };
  return {
    position: start,
    start,
    status,
    epoch: 1,
    gate: TIME_MIN,
    at: now,
    ...parents.length > 0 && { parents: writeParents(parents) },
    ...origin !== "" && { origin, generation },
    progressSeal: progressSeal(name, progress, "", ""),
    memberSeal: memberSeal(name, membership, writeParents(parents))
  };
}
function writeParents(parents) {
  return parents.length === 0 ? "" : JSON.stringify(parents);
}
function progressSeal(name, { position, own, top }, tails, counters) {
  return sealOf(name, position, own, top, tails, counters);
}
function memberSeal(name, { status, was, gate, epoch, origin, generation, next }, parents) {
  return sealOf(name, status, was, gate, epoch, origin, generation, next, parents);
}
function change(seen, to) {
  const after = { ...to, epoch: to.epoch ?? seen.epoch + 1 };
  return { ...after, memberSeal: memberSeal(seen.name, { ...seen, ...after }, writeParents(seen.parents)) };
}
function freshSuccessor(name, origin, generation, now) {
  return freshSplit(name, START, [], now, "joining", origin, generation);
}
function successorOf(next) {
  const cut = next.lastIndexOf("@");
  return { origin: next.slice(0, cut), generation: Number(next.slice(cut + 1)) };
}
function readSplit(item, operators) {
  const number = (name2) => item[name2] ?? TIME_MIN;
  const text2 = (name2) => item[name2] ?? "";
  const name = item.sk.slice(2);
  const progress = { position: text2("position") || START, own: number("own"), top: number("top") };
  const membership = {
    status: text2("status"),
    was: text2("was") || "joining",
    gate: number("gate"),
    epoch: item.epoch,
    origin: text2("origin"),
    generation: item.generation ?? 0,
    next: text2("next")
  };
  const [tails, counters, parents] = [text2("tails"), text2("counters"), text2("parents")];
  checkSeal(item, "progressSeal", progressSeal(name, progress, tails, counters), "a split");
  checkSeal(item, "memberSeal", memberSeal(name, membership, parents), "a split");
  const [limit, limitTo] = [number("limit"), text2("limitTo")];
  if (limitTo !== "") checkSeal(item, "limitSeal", sealOf(name, limit, limitTo), "a split");
  return {
    name,
    ...progress,
    ...membership,
    parents: parents === "" ? [] : JSON.parse(parents),
    tails: readTails(tails),
    counters: counters === "" ? noCounters(operators) : readCounters(JSON.parse(counters)),
    written: [tails, counters],
    skip: text2("skip"),
    limit,
    limitTo,
    empty: number("empty"),
    missing: item.missing !== void 0,
    stopped: text2("stopped"),
    stoppedAt: number("stoppedAt"),
    accepted: text2("accepted"),
    arrived: number("arrived"),
    at: number("at")
  };
}
function readCounters([all2, ...operators]) {
  const [taken, rejected2, filtered, passed, repeats] = all2;
  return {
    in: taken,
    rejected: rejected2,
    filtered,
    passed,
    repeats,
    operators: operators.map((rows) => ({ counted: rows[0], late: rows[1], expired: rows[2] }))
  };
}
function writeCounters(c) {
  return JSON.stringify([
    [c.in, c.rejected, c.filtered, c.passed, c.repeats],
    ...c.operators.map((o) => [o.counted, o.late, o.expired])
  ]);
}
function readTails(text2) {
  const tails = /* @__PURE__ */ new Map();
  for (const group of text2 === "" ? [] : text2.split(";")) {
    const [position, chains] = group.split("|");
    for (const chain of chains.split(",")) tails.set(chain, position);
  }
  return tails;
}
function writeTails(tails, otherBytes) {
  const room = SPLIT_ITEM_BYTES_MAX - otherBytes - "tails".length;
  const newest = [...tails].sort((a, b) => a[1] < b[1] ? 1 : a[1] > b[1] ? -1 : 0);
  let text2 = "";
  let position = "";
  for (const [chain, to] of newest) {
    const piece = to === position ? `,${chain}` : `${text2 === "" ? "" : ";"}${to}|${chain}`;
    if (text2.length + piece.length > room) break;
    text2 += piece;
    position = to;
  }
  return text2;
}

// lib/runtime/marks.ts
function segmentLifeMs({ limits }, { slices }) {
  return slices.spanMs + slices.allowedLatenessMs + slices.openMs + slices.bucketMs + limits.spareLifeMs;
}
function ttlOf(host, operator2, stage) {
  const now = Math.max(host.services.clock.now(), host.newestMark(stage));
  return Math.floor((now + segmentLifeMs(host, operator2)) / 1e3);
}
function readMarks(item) {
  const text2 = item?.marks;
  if (text2 === void 0) return [];
  checkSeal(item, "marksSeal", sealOf("marks", text2), "a stage's marks");
  return JSON.parse(text2).map(([at, top]) => ({ at, top }));
}
function writeMarks(marks) {
  const text2 = JSON.stringify(marks.map(({ at, top }) => [at, top]));
  return { marks: text2, marksSeal: sealOf("marks", text2) };
}
function settled(host, marks) {
  const now = host.services.clock.now();
  const isTrusted = ({ at }) => ageMs(now, at) !== Number.POSITIVE_INFINITY;
  let last2 = marks.find(isTrusted)?.at ?? now;
  return marks.map((mark) => {
    if (isTrusted(mark)) last2 = mark.at;
    return { at: last2, top: mark.top };
  });
}
function writtenSince(host, marks, start) {
  let since = Number.NEGATIVE_INFINITY;
  for (const { at, top } of settled(host, marks)) if ((top < start || top === TIME_MIN) && at > since) since = at;
  return since;
}
function isUnmarked(host, stage, marks) {
  if (stage.operators.length === 0) return false;
  const now = host.services.clock.now();
  const newest = Math.max(...marks.map(({ at }) => at).filter((at) => ageMs(now, at) !== Number.POSITIVE_INFINITY));
  const least = Math.min(...stage.operators.map((operator2) => segmentLifeMs(host, operator2)));
  return now - newest > least / LIFE_PARTS;
}
function marked(host, stage, marks, at, splits) {
  let top = marks.at(-1)?.top ?? TIME_MIN;
  for (const split of splits) top = Math.max(top, split.top, effective(split));
  const lives = stage.operators.map((operator2) => segmentLifeMs(host, operator2));
  const kept = Math.ceil(LIFE_PARTS * Math.max(...lives) / Math.min(...lives)) + 1;
  return [...marks.slice(-Math.min(kept, MARKS_MAX)), { at, top }];
}

// lib/runtime/registration.ts
init_base();
async function registerSplit(host, stage, input, split) {
  const listed = await host.services.inspector(input.name)?.list();
  const listing = listed?.find((candidate) => candidate.split === split);
  if (listing === void 0 && listed !== void 0 && listed.length > 0)
    throw new RetryableError(
      "unlisted-split",
      `The source "${input.name}" delivers records of ${split}, and does not list it among its ${listed.length} splits. Check that its binding names the same stream or topic.`
    );
  const fresh = listing === void 0 ? { split, closed: false } : { ...listing, start: START };
  await insertSplits(host, stage, input, [fresh], listing !== void 0);
}
async function insertSplits(host, stage, input, listings, isListed) {
  const { store, clock } = host.services;
  if (listings.length === 0) return;
  await store.insert(
    listings.map((listing) => ({
      ...splitKey(host.prefix, stage.index, splitName(input.name, listing.split)),
      ...freshSplit(splitName(input.name, listing.split), listing.start ?? START, listing.parents ?? [], clock.now()),
      ...isListed && { listed: true }
    }))
  );
}
async function register(host, stage) {
  const { store, clock, logger } = host.services;
  const marks = writeMarks([{ at: clock.now(), top: TIME_MIN }]);
  await store.insert([{ ...watermarkKey(host.prefix, stage.index), ...marks, registered: false }]);
  for (const input of stage.inputs) {
    if (input.kind === "source") {
      const inspector = host.services.inspector(input.name);
      if (inspector === void 0) {
        logger.warn("a source cannot be asked for its splits: they register as they appear", { source: input.name });
        continue;
      }
      await registerListed(host, stage, input, await inspector.list());
    } else {
      const groups = Array.from({ length: input.operator.keyGroups }, (_, keyGroup) => ({
        ...splitKey(host.prefix, stage.index, splitName(input.name, keyGroupSplit(keyGroup))),
        ...freshSplit(splitName(input.name, keyGroupSplit(keyGroup)), START, [], clock.now(), "member")
      }));
      await store.insert(groups);
    }
  }
  await store.update({
    key: watermarkKey(host.prefix, stage.index),
    set: { registered: true },
    when: []
    // guard: registered-after-splits
  });
}
async function registerListed(host, stage, input, listings, known2) {
  if (listings.length === 0) return;
  const names = new Set((known2 ?? await listSplits(host, stage)).map((split) => split.name));
  const fresh = listings.filter((listing) => !names.has(splitName(input.name, listing.split)));
  await insertSplits(host, stage, input, fresh, true);
}
async function registerSuccessors(host, stage, input, known2) {
  const { store, clock } = host.services;
  const names = new Set(known2.map((split) => split.name));
  for (const { name, next } of known2) {
    if (next === "" || !name.startsWith(`${input.name}/`) || names.has(splitName(input.name, next))) continue;
    const { origin, generation } = successorOf(next);
    const key = splitKey(host.prefix, stage.index, splitName(input.name, next));
    await store.insert([{ ...key, ...freshSuccessor(key.sk.slice(2), origin, generation, clock.now()) }]);
  }
}
async function listSplits(host, stage) {
  const splits = [];
  let after;
  do {
    const page = await host.services.store.query({
      pk: splitsPk(host.prefix, stage.index),
      from: "s#",
      to: `s#${AFTER_ALL}${AFTER_ALL}`,
      ...after !== void 0 && { after }
    });
    for (const item of page.items) splits.push(readSplit(item, stage.operators.length));
    after = page.next;
  } while (after !== void 0);
  return splits;
}

// lib/runtime/watermark.ts
function readWatermark(item) {
  for (const name of ["proposed", "watermark"]) {
    const value = item?.[name];
    if (value !== void 0) checkSeal(item, `${name}Seal`, sealOf(name, value), "a stage's watermark");
  }
  return {
    published: item?.watermark ?? TIME_MIN,
    proposed: item?.proposed ?? TIME_MIN,
    holder: item?.holder ?? "",
    registered: item?.registered === true
  };
}
function wouldClose(host, stage, published, candidate) {
  if (candidate <= published) return false;
  if (candidate === TIME_MAX) return true;
  if (published > TIME_MIN && candidate - published < host.plan.pipeline.minAdvanceMs) return false;
  if (stage.operators.length === 0) return false;
  return stage.operators.some(
    ({ slices }) => published === TIME_MIN || slices.frontier(candidate) > slices.frontier(published)
  );
}
function mayMove(host, stage, seen, split, own) {
  if (!seen.registered || seen.holder === "") return true;
  return seen.holder === split.name && wouldClose(host, stage, seen.published, Math.max(own, split.gate));
}
function minimum(splits) {
  let found;
  for (const split of splits) {
    const status = standing(split);
    if (status === "out" || status === "ended") continue;
    const value = status === "joining" ? TIME_MIN : effective(split);
    if (found === void 0 || value < found.value) found = { value, holder: split.name };
  }
  return found;
}
async function unheld(host, stage, splits) {
  if (splits.every((split) => split.status === "ended") && await complete(host, stage, splits)) return TIME_MAX;
  if (!host.plan.pipeline.idleClose) return TIME_MIN;
  const top = Math.max(TIME_MIN, ...splits.map(effective));
  if (top === TIME_MIN) return TIME_MIN;
  const now = host.services.clock.now();
  const quietMs = Math.min(...splits.map((split) => ageMs(now, split.at)));
  return quietMs === Number.POSITIVE_INFINITY ? TIME_MIN : top + quietMs;
}
async function complete(host, stage, splits) {
  const ended = new Set(splits.filter((split) => split.status === "ended").map((split) => split.name));
  for (const input of stage.inputs) {
    if (input.kind !== "source") return false;
    const inspector = host.services.inspector(input.name);
    if (inspector === void 0 || !inspector.bounded) return false;
    const listed = await inspector.list();
    if (listed.length === 0 || !listed.every((listing) => ended.has(splitName(input.name, listing.split)))) return false;
  }
  return true;
}
async function advanceWatermark(host, stage) {
  const { store, metrics, clock } = host.services;
  const key = watermarkKey(host.prefix, stage.index);
  let [item] = await store.get([key]);
  if (!readWatermark(item).registered) {
    await register(host, stage);
    [item] = await store.get([key]);
  }
  let seen = readWatermark(item);
  for (let round = 0; round < WATERMARK_ROUNDS_MAX; round++) {
    const splits = await listSplits(host, stage);
    const low = minimum(splits);
    const candidate = low?.value ?? await unheld(host, stage, splits);
    if (!wouldClose(host, stage, seen.published, candidate)) {
      if (low === void 0 || low.holder === seen.holder) break;
      await store.update({
        key,
        set: { holder: low.holder },
        when: []
        // guard: holder-is-a-hint
      });
      seen = { ...seen, holder: low.holder };
      if (await moved(host, stage, low)) continue;
      break;
    }
    const verdict = await store.update({
      key,
      set: { proposed: candidate, proposedSeal: sealOf("proposed", candidate) },
      when: [{ attribute: "proposed", is: "below", value: candidate }]
      // guard: proposed-grows
    });
    const proposed = readWatermark(verdict.item).proposed;
    const now = clock.now();
    const again = await listSplits(host, stage);
    const marks = readMarks(verdict.item);
    const mark = isUnmarked(host, stage, marks) ? writeMarks(marked(host, stage, marks, now, again)) : {};
    const second = minimum(again);
    const published = Math.min(proposed, second?.value ?? proposed);
    const holder = second?.holder ?? "";
    const wrote = await store.update({
      key,
      set: { watermark: published, watermarkSeal: sealOf("watermark", published), holder, ...mark, at: now },
      when: [{ attribute: "watermark", is: "below", value: published }]
      // guard: watermark-grows
    });
    seen = readWatermark(wrote.item);
    if (wrote.applied) metrics.add("WatermarkPublished", 1, "Count");
    if (second === void 0 || !await moved(host, stage, second)) break;
  }
  return seen.published;
}
async function moved(host, stage, low) {
  const [item] = await host.services.store.get([splitKey(host.prefix, stage.index, low.holder)]);
  if (item === void 0) return false;
  const split = readSplit(item, stage.operators.length);
  return standing(split) === "out" || standing(split) === "ended" || standing(split) === "member" && effective(split) > low.value;
}

// lib/testing/sim/ports.ts
init_base();
var STALL_MS_MAX = 3e4;
var CLOCK_JUMP_MS_MAX = 6e5;
var LATE_MS_MAX = 4e5;
var Ports = class {
  scheduler;
  swarm;
  /** Which of the calls were writes. */
  writes = [];
  /** Effects that are still to come. */
  latent = 0;
  /** Calls so far. */
  calls = 0;
  /** Takes a process from whoever waits for its answer, and lets it sleep. */
  abandon = () => void 0;
  crashes;
  constructor(scheduler, swarm, crashes) {
    this.scheduler = scheduler;
    this.swarm = swarm;
    this.crashes = crashes;
  }
  /** One call of a port. `land` is its effect; of a write it may come about though the process is gone. */
  async call(process2, label, isWrite, land) {
    const { scheduler, swarm } = this;
    await scheduler.turn(process2, label);
    const call = this.calls++;
    if (isWrite) this.writes.push(call);
    if (swarm.strikes("zombie")) {
      this.abandon(process2);
      await scheduler.turn(process2, label);
    }
    if (swarm.strikes("stall")) scheduler.now += 1e3 + swarm.below(STALL_MS_MAX);
    if (swarm.strikes("clock-jump")) process2.skewMs.now = swarm.below(2 * CLOCK_JUMP_MS_MAX) - CLOCK_JUMP_MS_MAX;
    if (this.dies(call, "before") || swarm.strikes("crash-before")) {
      if (isWrite && swarm.strikes("late-effect")) this.later(`${label} lands, of a process that is dead`, land);
      return this.kill(process2);
    }
    const result = await land();
    if (this.dies(call, "after") || swarm.strikes("crash-after")) return this.kill(process2);
    return result;
  }
  /** An effect that comes about when nobody waits for it any more. */
  later(label, land) {
    this.latent++;
    this.scheduler.after(1 + this.swarm.below(LATE_MS_MAX), label, () => {
      this.latent--;
      land().catch(() => void 0);
    });
  }
  dies(call, when) {
    return this.crashes.length > 0 && this.crashes.some((crash) => crash.call === call && crash.when === when);
  }
  kill(process2) {
    this.scheduler.note(`${process2.name} dies`);
    process2.kill();
    return new Promise(() => void 0);
  }
};
function injected(code, fault) {
  return new RetryableError(code, `${INJECTED} ${fault}`);
}
var INJECTED = "Injected:";

// lib/testing/sim/inspector.ts
var RETENTION_MS = 864e5;
function simInspector(ports, process2, logs, source2, isOver) {
  const { swarm, scheduler } = ports;
  const ask = (what, answer2) => ports.call(process2, `${process2.name} ${what}`, false, async () => answer2());
  const listed = () => logs.filter((log) => log.isListed(scheduler.now));
  return {
    get bounded() {
      return isOver() || logs.some(({ connector }) => connector === "file");
    },
    list: () => ask(`list ${source2}`, () => {
      if (swarm.strikes("list-fails")) throw injected("source-failed", "the source lists nothing");
      const all2 = listed();
      if (!isOver() && logs[0]?.connector !== "file" && all2.length > 1 && swarm.strikes("list-incomplete"))
        all2.splice(swarm.below(all2.length), 1);
      return all2.map((log) => listingOf(log, isOver() || log.isClosed(scheduler.now)));
    }),
    peek: (split, after) => ask(`peek ${source2}/${split} ${after}`, () => {
      if (swarm.strikes("peek-unknown")) return "unknown";
      const log = logs.find(({ plan: plan2 }) => plan2.split === split);
      if (log === void 0) return "unknown";
      return log.visible(scheduler.now) > Math.max(log.kept, log.after(after)) ? "waiting" : "nothing";
    }),
    verify: (positions) => ask(`verify ${source2} ${[...positions.keys()].join(" ")}`, () => {
      if (swarm.strikes("verify-fails")) throw injected("source-failed", "the source verifies nothing");
      return [...positions].flatMap(([split, position]) => faultOf(logs, split, position, scheduler.now));
    })
  };
}
function listingOf(log, closed) {
  const { split, parents } = log.plan;
  const start = log.kept === 0 ? START : log.position(log.kept - 1);
  return { split, start, closed, ...parents !== void 0 && { parents } };
}
function faultOf(logs, split, position, now) {
  const log = logs.find(({ plan: plan2 }) => plan2.split === split);
  if (log === void 0) return [];
  const count2 = log.visible(now);
  if (log.generation > 0 && (count2 === 0 || position > log.position(count2 - 1)))
    return [{ split, kind: "beyond-end", detail: "The log ends before the position." }];
  if (log.after(position) < log.kept)
    return [{ split, kind: "trimmed", detail: "Records were deleted unread.", retentionMs: RETENTION_MS }];
  return [];
}

// lib/testing/answer.ts
function judgeAnswer(answer2, ends, locate2) {
  const at = [...ends];
  if (answer2 === null || answer2 === void 0 || answer2 === "") return { kind: "resume", at };
  const failures = answer2.batchItemFailures;
  if (failures === void 0 || failures === null) return { kind: "resume", at };
  if (!Array.isArray(failures)) return { kind: "failed", why: "batchItemFailures is no list" };
  for (const failure2 of failures) {
    const found = locate2(failure2?.itemIdentifier);
    if (found === void 0) return { kind: "failed", why: "an itemIdentifier is not in the batch" };
    at[found.range] = Math.min(at[found.range], found.index);
  }
  return { kind: "resume", at };
}

// lib/testing/events.ts
var ACCOUNT = "123456789012";
function kinesisRecord(of) {
  return `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":${JSON.stringify(of.partitionKey)},"sequenceNumber":"${of.sequence}","data":"${of.data}","approximateArrivalTimestamp":${of.arrivalMs / 1e3}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"${of.split}:${of.sequence}","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::${ACCOUNT}:role/millrace","awsRegion":"${of.region}","eventSourceARN":"${of.arn}"}`;
}
function kinesisEvent(records) {
  return `{"Records":[${records.join()}]}`;
}
function kafkaRecord(of) {
  return `{"topic":"${of.topic}","partition":${of.partition},"offset":${of.offset},"timestamp":${of.timestamp},"timestampType":"${of.timestampType}",${of.key === null ? "" : `"key":"${of.key}",`}${of.value === null ? "" : `"value":"${of.value}",`}"headers":${of.headers}}`;
}
function kafkaEvent(origin, groups) {
  const records = groups.map(([split, group]) => `${JSON.stringify(split)}:[${group.join()}]`).join();
  return `{${origin},"records":{${records}}}`;
}
function fileRecord(split, offset, data) {
  return `{"split":${JSON.stringify(split)},"offset":${offset},"data":${JSON.stringify(data)}}`;
}
function fileEvent(source2, records) {
  return `{"eventSource":"millrace:file","source":${JSON.stringify(source2)},"records":[${records.join()}]}`;
}

// lib/testing/kpl-writer.ts
import { createHash as createHash3 } from "node:crypto";
function base128(value) {
  return value < 128 ? [value] : [value & 127 | 128, ...base128(value >>> 7)];
}
var varint = (field, value) => Buffer.from([...base128(field << 3), ...base128(value)]);
var bytes = (field, value) => Buffer.concat([Buffer.from([...base128(field << 3 | 2), ...base128(value.length)]), value]);
function aggregate(records, body = messageOf2(records)) {
  const checksum2 = createHash3("md5").update(body).digest();
  return Buffer.concat([Buffer.from("f3899ac2", "hex"), body, checksum2]);
}
function messageOf2(records) {
  const keys = [...new Set(records.map((record) => record.key))];
  const hashKeys = [...new Set(records.flatMap((record) => record.hashKey ?? []))];
  return Buffer.concat([
    ...keys.map((key) => bytes(1, Buffer.from(key))),
    ...hashKeys.map((key) => bytes(2, Buffer.from(key))),
    ...records.map(
      ({ key, hashKey, data }) => bytes(
        3,
        Buffer.concat([
          varint(1, keys.indexOf(key)),
          ...hashKey === void 0 ? [] : [varint(2, hashKeys.indexOf(hashKey))],
          bytes(3, Buffer.from(data))
        ])
      )
    )
  ]);
}

// lib/testing/sim/event.ts
var base64 = (payload) => payload === null ? null : typeof payload === "string" ? Buffer.from(payload).toString("base64") : payload.raw;
var textOf = (payload) => typeof payload === "string" ? payload : payload === null ? "" : payload.raw;
function eventOf(ranges) {
  const { connector, plan: plan2 } = ranges[0].log;
  const groups = ranges.map((range) => [range.log.plan.split, recordsOf(range)]);
  if (connector === "kinesis") return JSON.parse(kinesisEvent(groups.flatMap(([, records]) => records)));
  if (connector === "file")
    return JSON.parse(
      fileEvent(
        plan2.source,
        groups.flatMap(([, records]) => records)
      )
    );
  return JSON.parse(kafkaEvent('"eventSource":"aws:kafka","bootstrapServers":"b:9092"', groups));
}
function recordsOf({ log, from, to }) {
  const records = [];
  for (let index = from; index < to; index++) {
    const record = log.records[index];
    if (log.connector === "file") records.push(fileRecord(log.plan.split, record.offset, textOf(record.payload)));
    else if (log.connector === "kafka") records.push(kafkaRecordOf(log, index, record));
    else {
      const end2 = log.unitEnd(index + 1);
      records.push(kinesisRecordOf(log, index, end2));
      index = end2 - 1;
    }
  }
  return records;
}
function kafkaRecordOf(log, index, { offset, payload }) {
  const { plan: plan2 } = log;
  const [topic, partition] = [log.plan.source, Number(log.plan.split.slice(log.plan.source.length + 1))];
  const timestamp = log.arrivalOf(index);
  const value = base64(payload);
  return kafkaRecord({
    topic,
    partition,
    offset,
    timestamp,
    timestampType: plan2.hasNoArrival === true ? "CREATE_TIME" : "LOG_APPEND_TIME",
    key: null,
    value,
    headers: "[]"
  });
}
function kinesisRecordOf(log, index, end2) {
  const record = log.records[index];
  const data = record.sub === void 0 ? base64(record.payload) : aggregate(log.records.slice(index, end2).map(({ payload }) => ({ key: "k", data: textOf(payload) }))).toString(
    "base64"
  );
  return kinesisRecord({
    split: log.plan.split,
    sequence: kinesisSequence(record.offset),
    partitionKey: "k",
    data,
    arrivalMs: log.arrivalOf(index),
    region: "us-east-1",
    arn: `arn:aws:kinesis:us-east-1:123456789012:stream/${log.plan.source}`
  });
}
function judge(ranges, answer2) {
  return judgeAnswer(
    answer2,
    ranges.map(({ to }) => to),
    (identifier) => locate(ranges, identifier)
  );
}
function locate(ranges, identifier) {
  for (const [range, { log, from, to }] of ranges.entries()) {
    for (let index = from; index < to; index++) {
      const { offset } = log.records[index];
      const isIt = log.connector === "kinesis" ? identifier === kinesisSequence(offset) : identifier?.offset === offset && (log.connector === "kafka" ? identifier.partition : identifier.split) === log.plan.split;
      if (isIt) return { range, index };
    }
  }
  return void 0;
}

// lib/testing/sim/poller.ts
var PAUSE_MS_MAX = 400;
var BACKOFF_MS_MAX = 3e4;
var PARENTS_MS = 1500;
var AGAIN_MS_MAX = 15e6;
var MALFORMED = [
  null,
  "text",
  7,
  {},
  { Records: [{ eventSource: "aws:sqs", body: "{}" }] },
  { Records: [{ eventSource: "aws:kinesis", kinesis: null }] },
  { eventSource: "aws:kafka", records: [] },
  { eventSource: "aws:kafka", records: { "no partition": [{}] } },
  { eventSource: "millrace:file", source: "nobody", records: [{ split: "a", offset: 0, data: "{}" }] }
];
var Poller = class {
  logs;
  ports;
  lambda;
  all;
  most;
  /** The batch under way. */
  current;
  failures = 0;
  limit;
  isWaiting = false;
  /** Where a failed batch ended: it comes again as it was. */
  pinned;
  constructor(ports, lambda, logs, all2, most) {
    this.ports = ports;
    this.lambda = lambda;
    this.logs = logs;
    this.all = all2;
    this.most = most;
    this.limit = most;
  }
  /** Everything is delivered and done. */
  get isDone() {
    return this.current === void 0 && this.logs.every((log) => log.next >= log.records.length);
  }
  /** Looks for records now or when there are some. */
  start() {
    if (this.current !== void 0 || this.isWaiting) return;
    const { scheduler } = this.ports;
    const now = scheduler.now;
    let at = Number.POSITIVE_INFINITY;
    for (const log of this.logs) {
      if (log.next >= log.records.length) continue;
      if (log.visible(now) > log.next)
        at = Math.min(at, this.isFree(log) ? now + 1 + scheduler.random.below(PAUSE_MS_MAX) : now + PARENTS_MS);
      else at = Math.min(at, log.nextArrival(now) ?? at);
    }
    if (at === Number.POSITIVE_INFINITY) return;
    this.wait(at - now);
  }
  wait(ms) {
    this.isWaiting = true;
    this.ports.scheduler.after(ms, "", () => {
      this.isWaiting = false;
      this.poll();
    });
  }
  /** A shard is delivered once its parents are, or their mapping would not have begun it. */
  isFree(log) {
    const parents = log.plan.parents ?? [];
    if (parents.length === 0 || parents.every((parent) => this.isRead(parent))) return true;
    return this.ports.swarm.strikes("early-child");
  }
  isRead(parent) {
    const log = this.all.find(({ plan: plan2 }) => plan2.split === parent);
    return log === void 0 || log.next >= log.records.length;
  }
  poll() {
    if (this.current !== void 0) return;
    const ranges = this.ranges();
    if (ranges.length === 0) this.start();
    else this.deliver(ranges);
  }
  ranges() {
    const { scheduler, swarm } = this.ports;
    const ranges = [];
    for (const log of this.logs) {
      const visible = log.visible(scheduler.now);
      if (visible <= log.next || !this.isFree(log)) continue;
      if (this.logs.length > 1 && ranges.length > 0 && scheduler.random.next() < 0.3) continue;
      const cut = log.unitEnd(Math.min(visible, log.next + 1 + scheduler.random.below(this.limit)));
      const pinned = this.pinned?.get(log) ?? 0;
      const to = pinned > log.next && pinned <= visible ? pinned : cut;
      let from = log.next;
      if (from > log.kept && swarm.strikes("overlapping-batch"))
        from = log.unitStart(Math.max(log.kept, from - 1 - swarm.below(this.most)));
      ranges.push({ log, from, to });
    }
    return ranges;
  }
  deliver(ranges) {
    const { scheduler, swarm } = this.ports;
    const event = eventOf(ranges);
    const token = {};
    this.current = token;
    const generations = ranges.map(({ log }) => log.generation);
    const isCurrent = () => this.current === token && ranges.every(({ log }, i) => log.generation === generations[i]);
    scheduler.note(`deliver ${ranges.map(({ log, from, to }) => `${log.name} ${from}-${to}`).join(" ")}`);
    this.strays(ranges);
    this.lambda.invoke(
      "ingest",
      event,
      ({ answer: answer2, failed }) => {
        if (!isCurrent()) {
          if (this.current === token) this.restart();
          return;
        }
        const judgement = failed === void 0 && !swarm.strikes("garbled-answer") ? judge(ranges, answer2) : void 0;
        if (judgement?.kind !== "resume") {
          this.fail(ranges);
          return;
        }
        let taken = 0;
        for (const [i, { log, from }] of ranges.entries()) {
          const reached = Math.max(log.next, judgement.at[i]);
          taken += reached - Math.max(from, log.next);
          log.next = reached;
        }
        if (taken === 0) this.fail(ranges);
        else {
          this.failures = 0;
          this.limit = this.most;
          this.pinned = void 0;
          if (swarm.strikes("duplicate-batch")) this.again(ranges, event);
          this.restart();
        }
      },
      this
    );
    if (ranges[0].log.connector === "kafka" && swarm.strikes("rebalance")) {
      scheduler.note(`rebalance ${ranges[0].log.plan.source}`);
      this.restart();
    }
  }
  restart() {
    this.current = void 0;
    this.pinned = void 0;
    this.start();
  }
  fail(ranges) {
    const { scheduler, swarm } = this.ports;
    this.current = void 0;
    this.failures++;
    const isHalved = swarm.strikes("bisect");
    this.limit = isHalved ? Math.max(1, this.limit >> 1) : this.most;
    this.pinned = isHalved || swarm.strikes("recut") ? void 0 : new Map(ranges.map(({ log, to }) => [log, to]));
    if (!this.isWaiting)
      this.wait(1 + scheduler.random.below(Math.min(BACKOFF_MS_MAX, 200 * 2 ** Math.min(10, this.failures))));
  }
  /** The same event once more, at any later time. */
  again(ranges, event) {
    const { scheduler, swarm } = this.ports;
    const generations = ranges.map(({ log }) => log.generation);
    scheduler.after(swarm.below(swarm.below(2) === 0 ? AGAIN_MS_MAX : 3e3), "a batch comes again", () => {
      if (ranges.every(({ log }, i) => log.generation === generations[i]))
        this.lambda.invoke("ingest", structuredClone(event), () => void 0, this);
    });
  }
  /** Batches of nobody's: a second poller's, and some that no source would send. */
  strays(ranges) {
    const { scheduler, swarm } = this.ports;
    if (swarm.strikes("second-poller")) {
      const { log } = ranges[0];
      const visible = log.visible(scheduler.now);
      const from = log.unitStart(log.kept + swarm.below(Math.max(1, log.next - log.kept + 1)));
      const to = log.unitEnd(Math.min(visible, from + 1 + swarm.below(this.most)));
      if (to > from) this.lambda.invoke("ingest", eventOf([{ log, from, to }]), () => void 0, this);
    }
    if (swarm.strikes("malformed-event"))
      this.lambda.invoke("ingest", MALFORMED[swarm.below(MALFORMED.length)], () => void 0, void 0);
  }
};

// lib/testing/sim/disasters.ts
var SHAKE_MS = 3e3;
var OUTAGE_MS_MAX = 2e8;
var TRIM_MS_MAX = 2e4;
var OUTAGES_SHARE = 3 / 7;
var DAMAGES = ["bit-flip", "lost-segment", "future-format"];
var Disasters = class {
  ports;
  logs;
  sources;
  lambda;
  operator;
  vandal;
  checks;
  sinks;
  startMs;
  isDelivered;
  isCounted;
  startPollers;
  expire;
  spareLifeMs;
  constructor(reach) {
    this.ports = reach.ports;
    this.logs = reach.logs;
    this.sources = reach.sources;
    this.lambda = reach.lambda;
    this.operator = reach.operator;
    this.vandal = reach.vandal;
    this.checks = reach.checks;
    this.sinks = reach.sinks;
    this.startMs = reach.startMs;
    this.isDelivered = reach.isDelivered;
    this.isCounted = reach.isCounted;
    this.startPollers = reach.startPollers;
    this.expire = reach.expire;
    this.spareLifeMs = reach.spareLifeMs;
  }
  /** Now and then something befalls the whole region. */
  shake() {
    const { scheduler, swarm } = this.ports;
    if (swarm.hasEnded) return;
    scheduler.after(1 + swarm.below(SHAKE_MS * (this.isDelivered() ? 20 : 1)), "", () => {
      if (swarm.hasEnded) return;
      if (swarm.strikes("outage")) this.outage(swarm.below(OUTAGE_MS_MAX));
      this.vandal.act(!this.lambda.isAlive && this.ports.latent === 0, this.isCounted);
      if (this.vandal.isAtWork) {
        this.shake();
        return;
      }
      if (!this.isDelivered() && swarm.chance("trim")) this.trim();
      if (!this.isDelivered() && swarm.chance("topic-remade")) this.remake();
      this.shake();
    });
  }
  outage(ms) {
    const { scheduler, swarm } = this.ports;
    const isDamaged = DAMAGES.some((kind) => swarm.has(kind));
    const keptMs = isDamaged ? this.startMs : Math.max(this.startMs, this.checks.keptMs);
    if (scheduler.now + ms - keptMs > this.spareLifeMs * OUTAGES_SHARE) return;
    scheduler.now += ms;
    scheduler.note(`an outage of ${ms} ms`);
    this.expire();
  }
  /**
   * Nothing is read for as long as records are kept. What was there is old by then, and is deleted while it is being read; what comes after it is new: then
   * neither the age of the next record nor the last checkpoint tells that some are gone.
   */
  trim() {
    const { scheduler, swarm } = this.ports;
    this.outage(RETENTION_MS + swarm.below(RETENTION_MS));
    const { now } = scheduler;
    for (const log of this.logs) {
      if (log.connector === "file") continue;
      this.lambda.killAll((subject) => subject instanceof Poller && subject.logs.includes(log));
      const position = this.operator.positionOf(log);
      if (this.isHalfDone(log, position)) continue;
      const next = Math.max(log.next, log.after(position));
      const visible = log.visible(now);
      if (visible <= next) continue;
      const first2 = log.unitEnd(next + swarm.below(visible - next + 1));
      let arrival = now;
      for (let index = first2; index < log.records.length; index++) {
        if (index > first2 && log.records[index].offset !== log.records[index - 1].offset)
          arrival += swarm.below(4e4);
        if (log.arrivalOf(index) < arrival) log.delayed.set(log.records[index], arrival);
      }
    }
    scheduler.after(1 + swarm.below(TRIM_MS_MAX), "old records are deleted", () => this.delete(now - RETENTION_MS));
  }
  delete(beforeMs) {
    if (this.ports.swarm.hasEnded || this.vandal.isAtWork) return;
    for (const log of this.logs) {
      const position = this.operator.positionOf(log);
      if (log.connector === "file" || position === START) continue;
      this.lambda.killAll((subject) => subject instanceof Poller && subject.logs.includes(log));
      if (this.isHalfDone(log, position)) continue;
      const visible = log.visible(this.ports.scheduler.now);
      while (log.kept < visible && log.arrivalOf(log.kept) < beforeMs) log.kept = log.unitEnd(log.kept + 1);
      if (log.kept > log.after(position)) this.ports.swarm.count("trim");
      if (this.operator.hasAccepted(log, position)) log.loses(log.after(position), log.kept);
      log.next = Math.max(log.next, log.kept);
    }
    this.startPollers();
  }
  /** An attempt has written something of records after the position, or still may. */
  isHalfDone(log, position) {
    const name = `${log.plan.source}/${log.splitId}`;
    return this.ports.latent > 0 || this.checks.isAhead(name, position) || this.sinks.isAhead(name, position);
  }
  /** A topic is deleted and made anew, and holds less than what was read of the old one. */
  remake() {
    for (const { name } of this.sources) {
      const logs = this.logs.filter(({ plan: { source: source2 } }) => source2 === name);
      const isFit = (log) => {
        const last2 = log.plan.remade?.at(-1);
        return last2 !== void 0 && log.generation === 0 && !this.isHalfDone(log, this.operator.positionOf(log)) && this.operator.positionOf(log) > String(last2.offset).padStart(20, "0");
      };
      if (logs.length === 0 || logs[0].connector !== "kafka" || !logs.every(isFit)) continue;
      this.ports.swarm.count("topic-remade");
      this.lambda.killAll((subject) => subject instanceof Poller && logs.some((log) => subject.logs.includes(log)));
      for (const log of logs) log.remake();
      this.startPollers();
    }
  }
};

// lib/testing/sim/invariants.ts
init_base();
import { gunzipSync } from "node:zlib";
var GROWING = ["position", "own", "top", "gate", "epoch", "proposed", "watermark", "cursor"];
var SPLIT_ITEM_BYTES = 1024;
var Invariants = class {
  violations = [];
  /** By the split's name: how its log was counted. */
  stretches = /* @__PURE__ */ new Map();
  /** The marks by which stamps far ahead were judged, by split: up to `to`, none beyond `limit`. */
  limits = /* @__PURE__ */ new Map();
  /** The position right after which an operator had a record skipped, by split. */
  skips = /* @__PURE__ */ new Map();
  /** Items that somebody has damaged: what is said of them holds no more until they are mended. */
  damaged = /* @__PURE__ */ new Set();
  /** When the schedule's work was last done whole: until then all state that waits was kept. */
  keptMs = Number.NEGATIVE_INFINITY;
  /** The splits that come after one, as its source lists them. */
  childrenOf = () => [];
  plan;
  prefix;
  table;
  operators = /* @__PURE__ */ new Map();
  stages = /* @__PURE__ */ new Map();
  published = /* @__PURE__ */ new Map();
  chains = /* @__PURE__ */ new Map();
  constructor(pipeline2, table) {
    this.plan = plan(pipeline2);
    this.prefix = runPrefix(pipeline2.name, 1);
    this.table = table;
    for (const operator2 of this.plan.operators)
      for (let keyGroup = 0; keyGroup < operator2.keyGroups; keyGroup++)
        this.operators.set(groupPk(this.prefix, operator2.name, keyGroup), operator2);
    for (const stage of this.plan.stages) this.stages.set(splitsPk(this.prefix, stage.index), stage.index);
  }
  /** Whether an attempt has written segments of the split beyond its checkpoint. */
  isAhead(split, position) {
    for (const [chain, to] of this.chains) if (chain.endsWith(` ${split}`) && to > position) return true;
    return false;
  }
  fail(what) {
    if (this.violations.length < 20) this.violations.push(what);
  }
  updated(before, after) {
    if (this.damaged.has(`${before.pk} ${before.sk}`)) {
      if (before.position !== after.position) this.stretch(after, before.gate);
      return;
    }
    for (const name of GROWING) {
      const was = before[name];
      const is = after[name];
      if (was !== void 0 && (is === void 0 || is < was))
        this.fail(`law 9: ${name} of ${before.pk} ${before.sk} goes back, from ${String(was)} to ${String(is)}`);
    }
    const stage = this.stages.get(before.pk);
    if (stage === void 0) return;
    if (before.sk === "!") {
      if (after.watermark !== before.watermark) this.publish(stage, after);
      return;
    }
    if (after.position !== before.position) this.checkpoint(stage, before, after);
    if (after.status !== before.status && after.status === "ended") this.ended(before);
    if (after.limitTo !== void 0 && after.limitTo !== before.limitTo)
      listOf(this.limits, before.sk.slice(2)).push({ to: String(after.limitTo), limit: Number(after.limit) });
    if (after.skip !== before.skip) listOf(this.skips, before.sk.slice(2)).push(String(after.skip));
  }
  /** Laws 4, 5, 7: all that may still write has passed what is published. */
  publish(stage, after) {
    const watermark = after.watermark;
    this.published.set(stage, watermark);
    for (const item of this.splits(stage)) {
      if (this.damaged.has(`${item.pk} ${item.sk}`)) continue;
      const split = readSplit(item, 0);
      if (standing(split) === "member" && split.stopped === "" && effective(split) < watermark)
        this.fail(`law 4: ${watermark} is published, and the member ${split.name} stands at ${effective(split)}`);
    }
  }
  /** Law 6: whoever comes after it stands in the minimum before it leaves, as far as its source lists it. */
  ended({ pk, sk }) {
    for (const child of this.childrenOf(sk.slice(2)))
      if (this.table.find({ pk, sk: `s#${child}` }) === void 0)
        this.fail(`law 6: ${sk.slice(2)} ends, and ${child} after it is not registered`);
  }
  splits(stage) {
    const bounds = { low: "s#", high: "s#~~", lowExcluded: false };
    return [...this.table.range(splitsPk(this.prefix, stage), bounds)].map(({ item }) => item);
  }
  checkpoint(stage, before, after) {
    const { operators } = this.plan.stages[stage];
    const split = readSplit(after, operators.length);
    this.stretch(after, before.gate);
    const { counters } = split;
    if (counters.in !== counters.rejected + counters.filtered + counters.passed)
      this.fail(`law 10: ${split.name} took ${JSON.stringify(counters)}`);
    if (before.stopped !== void 0 || before.next !== void 0)
      this.fail(`a stopped split takes records: ${split.name}`);
    let bytes2 = 0;
    for (const [name, value] of Object.entries(after)) bytes2 += name.length + String(value).length;
    if (bytes2 > SPLIT_ITEM_BYTES) this.fail(`law 2: the item of ${split.name} has ${bytes2} bytes`);
  }
  stretch(after, gate) {
    listOf(this.stretches, after.sk.slice(2)).push({ to: after.position, gate });
  }
  inserted(item) {
    const operator2 = this.operators.get(item.pk);
    if (operator2 === void 0 || !item.sk.startsWith("g#")) return;
    const { bucketEnd, split, from } = parseSegmentSk(item.sk);
    const chain = `${item.pk} ${bucketEnd} ${split}`;
    const end2 = this.chains.get(chain) ?? START;
    if (from !== end2) this.fail(`law 2: a segment of ${chain} begins at ${from}, and the chain ends at ${end2}`);
    this.chains.set(chain, item.to);
    const published = this.published.get(operator2.stage) ?? TIME_MIN;
    if (published === TIME_MIN) return;
    const frontier = operator2.slices.frontier(published);
    for (const slice of slicesOf(item) ?? [bucketEnd])
      if (slice <= frontier)
        this.fail(`law 7: the slice ${slice} of ${operator2.name} is closed (${published}), and ${split} adds to it`);
  }
};
function slicesOf(item) {
  if (item.parts !== void 0) return void 0;
  const data = item.data;
  const [bySlice, lates] = JSON.parse(String(item.packed === true ? gunzipSync(data) : Buffer.from(data)));
  return [...bySlice, ...lates].map((row) => row[0]);
}
function listOf(map, name) {
  let list = map.get(name);
  if (list === void 0) {
    list = [];
    map.set(name, list);
  }
  return list;
}

// lib/testing/sim/lambda.ts
init_base();

// lib/handlers/advance.ts
init_base();

// lib/runtime/stage-advance.ts
init_base();

// lib/runtime/advance.ts
init_base();

// lib/runtime/chain.ts
init_base();

// lib/runtime/segment.ts
init_base();
import { gunzipSync as gunzipSync2, gzipSync } from "node:zlib";
var FORMAT = 1;
var KNOWN_KEYS_MAX = 2e4;
function encodeEntries(entries) {
  return Buffer.from(JSON.stringify([[...entries.slices.values()], entries.lates]));
}
function storableKey(key, text2) {
  const plain3 = typeof key === "object" && key !== null ? !key.some(isBigint) : !isBigint(key);
  return plain3 ? key : { k: text2 };
}
var isBigint = (value) => typeof value === "bigint";
function payloadAttributes(bytes2) {
  let data = bytes2;
  let packed = false;
  if (bytes2.length > WRITE_UNIT_BYTES) {
    const small2 = gzipSync(bytes2, { level: 1 });
    if (Math.ceil(small2.length / WRITE_UNIT_BYTES) < Math.ceil(bytes2.length / WRITE_UNIT_BYTES)) {
      data = small2;
      packed = true;
    }
  }
  return { data, packed, sum: checksum(data), format: FORMAT };
}
function cutPayload(data, bytesMax) {
  const parts = [];
  for (let at = 0; at < data.length; at += bytesMax) parts.push(data.subarray(at, at + bytesMax));
  return parts;
}
function readPayload(item, data, operator2, keys, reader) {
  if (item.format !== FORMAT) {
    throw new StopError(
      "unknown-format",
      `Segments are read in format ${FORMAT}; ${item.pk} ${item.sk} has format ${String(item.format)}. Run the version that wrote it.`
    );
  }
  if (checksum(data) !== item.sum) {
    throw new StopError(
      "damaged-state",
      `The checksum of segment ${item.pk} ${item.sk} is wrong: it was changed after it was written. Restore the table, or open a new run.`
    );
  }
  const bytes2 = item.packed === true ? gunzipSync2(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const [bySlice, lates] = JSON.parse(bytes2.toString());
  const { folds } = operator2;
  const stride = folds.length + 1;
  const accsAt = (row, at) => {
    const accs = new Array(folds.length);
    for (let i = 0; i < folds.length; i++) accs[i] = folds[i].decode(row[at + i]);
    return accs;
  };
  for (const row of bySlice) {
    const slice = row[0];
    for (let at = 1; at < row.length; at += stride) {
      const { key, text: text2, hash } = keys.of(row[at]);
      reader.cell(slice, key, text2, hash, accsAt(row, at + 1));
    }
  }
  for (const row of lates) {
    const { key, text: text2, hash } = keys.of(row[3]);
    reader.late(row[0], row[1], row[2], key, text2, hash, accsAt(row, 4));
  }
  return bytes2.length;
}
var KnownKeys = class {
  primitives = /* @__PURE__ */ new Map();
  of(json) {
    if (typeof json === "object" && json !== null)
      return known(Array.isArray(json) ? json : decodeKey(json.k));
    let found = this.primitives.get(json);
    if (found === void 0) {
      if (this.primitives.size >= KNOWN_KEYS_MAX) this.primitives.clear();
      found = known(json);
      this.primitives.set(json, found);
    }
    return found;
  }
};
function known(key) {
  const text2 = encodeKey(key);
  return { key, text: text2, hash: hash32(text2) };
}

// lib/runtime/chain.ts
var FOUND_PARTS = 8;
var PARTS_AT_ONCE = 25;
var CHAINS_AT_ONCE = 25;
async function writeSegments(host, stage, split, after, to, tails, fold2, refold) {
  const { store } = host.services;
  const reached = /* @__PURE__ */ new Map();
  const tailOf = (chain) => reached.get(chain) ?? tails.get(chain) ?? START;
  let drafts = draftsOf(fold2);
  let behind = /* @__PURE__ */ new Map();
  for (const { chain } of drafts) if (tailOf(chain) > after) behind.set(chain, tailOf(chain));
  if (behind.size > 0)
    drafts = [...drafts.filter(({ chain }) => !behind.has(chain)), ...draftsOf(refold(keepAfter(behind)))];
  for (let turn = 0; turn < CONTENTION_TURNS_MAX; turn++) {
    if (drafts.length === 0) return reached;
    const items = [];
    for (const draft of drafts) items.push(await segmentItem(host, stage, split, draft, tailOf(draft.chain), to));
    const verdicts = await store.insert(items);
    behind = /* @__PURE__ */ new Map();
    const refused = [];
    for (const [i, verdict] of verdicts.entries()) {
      const draft = drafts[i];
      if (verdict === "inserted")
        reached.set(draft.chain, to);
      else refused.push(draft);
    }
    for (let at = 0; at < refused.length; at += CHAINS_AT_ONCE) {
      const asked = refused.slice(at, at + CHAINS_AT_ONCE);
      for (const [i, tail] of (await Promise.all(asked.map((draft) => lastOf(host, stage, split, draft, after)))).entries()) {
        const { chain } = asked[i];
        reached.set(chain, tail);
        if (tail < to) behind.set(chain, tail);
      }
    }
    if (behind.size === 0) return reached;
    drafts = draftsOf(refold(keepAfter(behind)));
  }
  throw new RetryableError(
    "contention",
    `Segments of the split ${split} met another attempt ${CONTENTION_TURNS_MAX} times.`
  );
}
function keepAfter(tails) {
  return (operator2, lane, bucketEnd, position) => {
    const tail = tails.get(chainName(operator2, lane, bucketEnd));
    return tail !== void 0 && position > tail;
  };
}
function draftsOf(fold2) {
  const drafts = [];
  for (const [operator2, folded] of fold2.folds.entries()) {
    for (const entries of folded.entries())
      drafts.push({ operator: operator2, chain: chainName(operator2, entries.lane, entries.bucketEnd), entries });
  }
  return drafts;
}
async function segmentItem(host, stage, split, draft, from, to) {
  const { operator: operator2, entries } = draft;
  const plan2 = stage.operators[operator2];
  const pk = groupPk(host.prefix, plan2.name, entries.lane);
  const sk = segmentSk(entries.bucketEnd, split, from);
  const ttl = ttlOf(host, plan2, stage.index);
  const payload = payloadAttributes(encodeEntries(entries));
  const { data, ...rest } = payload;
  if (data.length <= host.limits.segmentBytes) return sealed({ pk, sk, to, n: entries.count, ttl, ...payload });
  const nonce = host.services.ids.next();
  const parts = cutPayload(data, host.limits.segmentBytes);
  await host.services.store.insert(parts.map((part3, i) => ({ pk, sk: partSk(sk, nonce, i), data: part3, ttl })));
  return sealed({ pk, sk, to, n: entries.count, ttl, ...rest, parts: `${nonce}:${parts.length}` });
}
function headSeal({ sk, to, n, sum: sum2, packed, parts }) {
  return sealOf(sk, to, n, sum2, packed, parts);
}
function sealed(item) {
  item.seal = headSeal(item);
  return item;
}
function checkHead(item) {
  checkSeal(item, "seal", headSeal(item), "a segment");
}
var partSk = (sk, nonce, index) => `p#${sk}#${nonce}#${index}`;
function partKeys({ pk, sk, parts }) {
  if (parts === void 0) return [];
  const [nonce, count2] = String(parts).split(":");
  return Array.from({ length: Number(count2) }, (_, i) => ({ pk, sk: partSk(sk, nonce, i) }));
}
async function payloadOf(host, item) {
  if (item.parts === void 0) return item.data;
  const keys = partKeys(item);
  const found = [];
  for (let at = 0; at < keys.length; at += PARTS_AT_ONCE)
    found.push(...await host.services.store.get(keys.slice(at, at + PARTS_AT_ONCE)));
  return Buffer.concat(
    found.map((part3, i) => {
      if (part3 === void 0)
        throw new StopError(
          "lost-state",
          `Part ${i} of segment ${item.pk} ${item.sk} is gone. Restore the table, or open a new run.`
        );
      return part3.data;
    })
  );
}
async function lastOf(host, stage, split, draft, after) {
  const plan2 = stage.operators[draft.operator];
  const pk = groupPk(host.prefix, plan2.name, draft.entries.lane);
  const from = segmentSk(draft.entries.bucketEnd, split, "");
  const range = { pk, from, to: `${from}${AFTER_ALL}` };
  const page = await host.services.store.query({ ...range, descending: true, limit: 1 });
  const last2 = page.items[0];
  if (last2 === void 0) throw new RetryableError("contention", `A segment of ${split} was in the way and is gone.`);
  checkHead(last2);
  const ttl = ttlOf(host, plan2, stage.index);
  if (last2.to > after && last2.ttl < ttl - host.limits.spareLifeMs / FOUND_PARTS / 1e3)
    await renew(host, range, after, ttl);
  return last2.to;
}
async function renew(host, range, after, ttl) {
  const { store } = host.services;
  let next;
  do {
    const page = await store.query({ ...range, ...next !== void 0 && { after: next } });
    for (const item of page.items) {
      if (item.to <= after) continue;
      for (const key of [...partKeys(item), { pk: item.pk, sk: item.sk }])
        await store.update({ key, set: { ttl }, when: [] });
    }
    next = page.next;
  } while (next !== void 0);
}
var LinkCheck = class {
  chain = "";
  to = START;
  bucketEnd = Number.NaN;
  /** How far the chains of the bucket at hand reach, by split. */
  ends = /* @__PURE__ */ new Map();
  /** What comes next of a chain goes on from here. */
  goOn(pk, bucketEnd, split, to) {
    this.chain = `${pk}#${bucketEnd}#${split}`;
    this.to = to;
  }
  see(item) {
    checkHead(item);
    const { bucketEnd, split, from } = parseSegmentSk(item.sk);
    const chain = `${item.pk}#${bucketEnd}#${split}`;
    if (chain !== this.chain) {
      this.chain = chain;
      this.to = START;
    }
    if (from !== this.to) {
      throw new StopError(
        "lost-state",
        `The chain of ${item.pk} ${item.sk} has a hole: it goes on from ${from}, but the segment before it ends at ${this.to}. Restore the table, or open a new run.`
      );
    }
    this.to = item.to;
    if (bucketEnd !== this.bucketEnd) {
      this.bucketEnd = bucketEnd;
      this.ends = /* @__PURE__ */ new Map();
    }
    this.ends.set(split, this.to);
  }
  /** How far the chains of this bucket reach, by split, if it was the last one seen. */
  endsOf(bucketEnd) {
    return bucketEnd === this.bucketEnd ? this.ends : /* @__PURE__ */ new Map();
  }
};

// lib/runtime/checkpoint.ts
init_base();
var OTHER_BYTES = 280;
var MARK_BYTES = 60;
async function checkpoint(host, stage, before, progress) {
  const { store, clock } = host.services;
  const key = splitKey(host.prefix, stage.index, before.name);
  const counters = addCounters(before.counters, progress.counters);
  const tails = /* @__PURE__ */ new Map();
  const own = Math.max(progress.own, before.gate);
  for (const [chain, to] of [...before.tails, ...progress.tails]) if (chainBucket(chain) > own) tails.set(chain, to);
  const text2 = writeCounters(counters);
  const room = OTHER_BYTES + (before.limitTo === "" ? 0 : MARK_BYTES + before.limitTo.length) + key.pk.length + key.sk.length + progress.to.length + text2.length;
  const written = writeTails(tails, room);
  const { to: position, top } = progress;
  const set = {
    position,
    own: progress.own,
    top,
    tails: written,
    counters: text2,
    progressSeal: progressSeal(before.name, { position, own: progress.own, top }, written, text2),
    at: clock.now(),
    ...progress.arrived !== void 0 && { arrived: progress.arrived }
  };
  const isPassed = before.limitTo !== "" && progress.to >= before.limitTo;
  const verdict = await store.update({
    key,
    set,
    ...isPassed && { remove: ["limit", "limitTo", "limitSeal"] },
    when: [
      { attribute: "position", is: "below", value: progress.to },
      // guard: position-grows
      { attribute: "gate", is: "equal", value: before.gate },
      // guard: gate-as-read
      // A split that was stopped, or reset to another one, takes nothing more of an attempt that was under way.
      { attribute: "stopped", is: "absent" },
      // guard: stopped-takes-nothing
      { attribute: "next", is: "absent" }
      // guard: replaced-takes-nothing
    ]
  });
  if (verdict.applied) {
    return {
      moved: true,
      split: {
        ...before,
        position: progress.to,
        own: progress.own,
        top: progress.top,
        tails,
        counters,
        ...isPassed && { limit: TIME_MIN, limitTo: "" },
        written: [written, text2],
        at: set.at,
        arrived: progress.arrived ?? before.arrived
      }
    };
  }
  if (verdict.item === void 0)
    throw new RetryableError("lost-split", `The item of the split ${before.name} is gone.`);
  const split = readSplit(verdict.item, stage.operators.length);
  if (split.stopped !== "" || split.next !== "")
    throw new RetryableError("split-stopped", `The split ${before.name} was stopped during an attempt.`);
  if (split.position >= progress.to) return { moved: false, split };
  throw new RetryableError("gate-moved", `The gate of the split ${before.name} changed during an attempt.`);
}

// lib/runtime/emission.ts
init_base();

// lib/runtime/fold.ts
init_base();

// lib/runtime/key-table.ts
init_base();
var Slot = class {
  key;
  text;
  hash;
  /** The first slice met, inline: most keys of a batch have one or two. */
  slice = Number.NaN;
  accs;
  /** All others. */
  more;
  lates;
  constructor(key, text2) {
    this.key = key;
    this.text = text2;
    this.hash = hash32(text2);
  }
};
var KeyTable = class {
  slots = [];
  primitives = /* @__PURE__ */ new Map();
  tuples = { slot: void 0, next: void 0 };
  slot(key) {
    if (typeof key === "object" && key !== null) return this.tupleSlot(key);
    let slot = this.primitives.get(key);
    if (slot === void 0) {
      slot = this.make(key);
      this.primitives.set(key, slot);
    }
    return slot;
  }
  tupleSlot(key) {
    let node = this.tuples;
    if (!Array.isArray(key)) encodeKey(key);
    for (const part3 of key) {
      node.next ??= /* @__PURE__ */ new Map();
      let next = node.next.get(part3);
      if (next === void 0) {
        next = { slot: void 0, next: void 0 };
        node.next.set(part3, next);
      }
      node = next;
    }
    node.slot ??= this.make(Object.freeze([...key]));
    return node.slot;
  }
  make(key) {
    const slot = new Slot(key, encodeKey(key));
    this.slots.push(slot);
    return slot;
  }
};

// lib/runtime/fold.ts
function keyGroupOf(hash, keyGroups) {
  return Math.floor(hash * keyGroups / 4294967296);
}
function laneOf(keyGroup, { keyGroups, lanes }) {
  return Math.floor(keyGroup * lanes / keyGroups);
}
var OperatorFold = class {
  operator;
  cells = 0;
  table = new KeyTable();
  /** The buckets that it has something for, by end. Looked at where a cell is new. */
  buckets = /* @__PURE__ */ new Set();
  refold;
  constructor(operator2, refold) {
    this.operator = operator2;
    this.refold = refold;
  }
  slot(key) {
    return this.table.slot(key);
  }
  /** A row whose own slice is open, given by that slice's end. */
  add(slot, slice, inputs, weight, place) {
    if (this.refold !== void 0 && !this.wanted(slot, slice, place)) return;
    if (slot.slice === slice) {
      this.into(slot.accs, inputs, weight, place);
      return;
    }
    let accs = slot.more?.get(slice);
    if (accs === void 0) {
      accs = this.fresh(slice);
      if (slot.accs === void 0) {
        slot.slice = slice;
        slot.accs = accs;
      } else {
        slot.more ??= /* @__PURE__ */ new Map();
        slot.more.set(slice, accs);
      }
    }
    this.into(accs, inputs, weight, place);
  }
  /** A row whose own slice has closed but which still counts in some window: it travels in the slice of its turn. */
  addLate(slot, carrier, own, first2, inputs, weight, place) {
    if (this.refold !== void 0 && !this.wanted(slot, carrier, place)) return;
    slot.lates ??= [];
    let late = slot.lates.find((fold2) => fold2.carrier === carrier && fold2.own === own && fold2.first === first2);
    if (late === void 0) {
      late = { carrier, own, first: first2, accs: this.fresh(carrier) };
      slot.lates.push(late);
    }
    this.into(late.accs, inputs, weight, place);
  }
  wanted(slot, slice, place) {
    const { slices } = this.operator;
    return this.refold(this.lane(slot), slices.bucketEnd(slice), place.position);
  }
  /** At most so many segments are to be written for it. */
  get segmentsMost() {
    return this.buckets.size * this.operator.lanes;
  }
  fresh(slice) {
    this.cells++;
    this.buckets.add(this.operator.slices.bucketEnd(slice));
    return this.operator.folds.map((fold2) => fold2.create());
  }
  into(accs, inputs, weight, place) {
    const { folds } = this.operator;
    for (let i = 0; i < folds.length; i++) {
      const input = inputs[i];
      if (input === void 0) continue;
      const fold2 = folds[i];
      accs[i] = fold2.fragile ? addFragile(fold2, accs[i], input, weight, place) : fold2.add(accs[i], input, weight, place);
    }
  }
  lane({ hash }) {
    return laneOf(keyGroupOf(hash, this.operator.keyGroups), this.operator);
  }
  /** Packs what was folded, per lane and bucket, in the order in which keys were met. */
  entries() {
    const { slices, folds } = this.operator;
    const drafts = [];
    const bySlice = /* @__PURE__ */ new Map();
    const byBucket = /* @__PURE__ */ new Map();
    const draft = (lane, slice) => {
      let lanes = bySlice.get(slice);
      if (lanes === void 0) {
        const bucketEnd = slices.bucketEnd(slice);
        lanes = byBucket.get(bucketEnd) ?? [];
        byBucket.set(bucketEnd, lanes);
        bySlice.set(slice, lanes);
      }
      let found = lanes[lane];
      if (found === void 0) {
        found = { lane, bucketEnd: slices.bucketEnd(slice), slices: /* @__PURE__ */ new Map(), lates: [], count: 0 };
        lanes[lane] = found;
        drafts.push(found);
      }
      found.count++;
      return found;
    };
    const encoded = (accs, row) => {
      for (let i = 0; i < folds.length; i++) row.push(folds[i].encode(accs[i]));
    };
    const cell = (slot, lane, slice, accs) => {
      const rows = draft(lane, slice).slices;
      let row = rows.get(slice);
      if (row === void 0) {
        row = [slice];
        rows.set(slice, row);
      }
      row.push(storableKey(slot.key, slot.text));
      encoded(accs, row);
    };
    for (const slot of this.table.slots) {
      const lane = this.lane(slot);
      if (slot.accs !== void 0) cell(slot, lane, slot.slice, slot.accs);
      if (slot.more !== void 0) for (const [slice, accs] of slot.more) cell(slot, lane, slice, accs);
      if (slot.lates === void 0) continue;
      for (const late of slot.lates) {
        const row = [late.carrier, late.own, late.first, storableKey(slot.key, slot.text)];
        encoded(late.accs, row);
        draft(lane, late.carrier).lates.push(row);
      }
    }
    return drafts;
  }
};
function addFragile(fold2, acc, input, weight, place) {
  try {
    return fold2.add(acc, input, weight, place);
  } catch (thrown) {
    throw new FragileFold(place.position, thrown);
  }
}
var FragileFold = class extends RecordRejection {
  position;
  constructor(position, thrown) {
    super("step-threw", messageOf(thrown));
    this.position = position;
  }
};

// lib/runtime/stage-fold.ts
var StageFold = class {
  folds;
  counters;
  /** Rows for sinks, in the order of their records: outputs, rejected and expired ones. */
  sinkRows = /* @__PURE__ */ new Map();
  deadLetter;
  output;
  slots = [];
  emitted = 0;
  /** Of the payloads that were taken, and once more for each row that goes to a sink with them. */
  bytes = 0;
  recordBytes = 0;
  /** `output` takes what the stateless steps hand to sinks; by default it goes with the split's other rows. */
  constructor(stage, deadLetter, refold, output) {
    this.output = output ?? ((sink, id, value, place) => this.emit(sink, { id, value, order: place.position }));
    this.folds = stage.operators.map((operator2, index) => {
      const only = refold && ((lane, bucketEnd, position) => refold(index, lane, bucketEnd, position));
      return new OperatorFold(operator2, only);
    });
    this.counters = noCounters(stage.operators.length);
    this.deadLetter = deadLetter;
  }
  /** Whether a chunk has come to one of its limits: of memory, or of what is to be written before its checkpoint (law 11). */
  isFull(limits) {
    let cells = this.emitted;
    let segments = 0;
    for (const fold2 of this.folds) {
      cells += fold2.cells;
      segments += fold2.segmentsMost;
    }
    return cells > limits.chunkEntries || this.emitted >= limits.chunkRows || this.bytes >= limits.chunkBytes || segments >= limits.chunkSegments;
  }
  /**
   * Counts the rows that one record became.
   * @throws {RecordRejection} before anything has changed, where a key is none; a `FragileFold` at any time
   */
  accept(rows, own, weight, place) {
    const { counters, slots } = this;
    for (let i = 0; i < rows.count; i++) {
      const terminal = rows.terminal[i];
      if (terminal.kind === "operator") slots[i] = this.folds[terminal.operator.index].slot(rows.key[i]);
    }
    for (let i = 0; i < rows.count; i++) {
      const terminal = rows.terminal[i];
      if (terminal.kind === "sink") this.send(terminal, rows, i, place);
      else this.count(rows, i, slots[i], terminal.operator, own, weight, place);
    }
    counters.in++;
    if (rows.count > 0) counters.passed++;
    else counters.filtered++;
  }
  count(rows, i, slot, operator2, own, weight, place) {
    const { index } = operator2;
    const counts = this.counters.operators[index];
    const { slices } = operator2;
    const { timestamp } = place;
    const mine = slices.sliceEnd(timestamp);
    if (mine > own) {
      const windows = slices.windowCount(timestamp);
      if (windows === 0) return;
      counts.counted += windows;
      this.folds[index].add(slot, mine, rows.inputs[i], weight, place);
      return;
    }
    const standing2 = slices.standing(timestamp, own);
    const { count: count2, expired } = standing2;
    counts.expired += expired;
    counts.counted += count2 - expired;
    counts.late += standing2.late;
    if (expired > 0) this.expire(operator2, standing2, rows.value[i], slot, i, place);
    if (expired === count2) return;
    const first2 = slices.windowAt(standing2, expired).end;
    this.folds[index].addLate(slot, slices.sliceEnd(own), mine, first2, rows.inputs[i], weight, place);
  }
  /** One row for the late output, whatever the number of windows that no longer take it. */
  expire(operator2, standing2, value, slot, i, place) {
    const { slices } = operator2;
    const { expired } = standing2;
    const row = {
      reason: "expired",
      detail: "The window no longer took rows when this one came.",
      source: place.source,
      split: place.splitId,
      position: place.position,
      timestamp: place.timestamp,
      operator: operator2.name,
      key: slot.key,
      windows: { count: expired, first: slices.windowAt(standing2, 0), last: slices.windowAt(standing2, expired - 1) },
      payload: value
    };
    this.emit(operator2.late ?? this.deadLetter, {
      id: `${place.id}/${i}/${operator2.name}`,
      value: row,
      order: place.position
    });
  }
  /** Only what goes to sinks: of a row that its split counted in an earlier attempt. */
  repeat(rows, place) {
    for (let i = 0; i < rows.count; i++) {
      const terminal = rows.terminal[i];
      if (terminal.kind === "sink") this.send(terminal, rows, i, place);
    }
  }
  /** The first row of a record for a sink has the record's id, the next ones a number behind it: a graph may grow without ids changing. */
  send(terminal, rows, i, place) {
    let n = 0;
    for (let j = 0; j < i; j++) {
      const before = rows.terminal[j];
      if (before.kind === "sink" && before.sink === terminal.sink) n++;
    }
    this.output(terminal.sink, n === 0 ? place.id : `${place.id}/${n}`, rows.value[i], place);
  }
  /** A record that cannot be counted, or a whole unit of some: to the dead letter, and the split goes on (law 14). */
  reject(id, row, records = 1) {
    this.counters.in += records;
    this.counters.rejected += records;
    this.emit(this.deadLetter, { id, value: row, order: row.position });
  }
  /** A record that has no value to count (a tombstone). */
  pass() {
    this.counters.in++;
    this.counters.filtered++;
  }
  /** A record of this many bytes is taken next. */
  next(bytes2) {
    this.recordBytes = bytes2;
    this.bytes += bytes2;
  }
  emit(sink, row) {
    this.emitted++;
    this.bytes += this.recordBytes;
    const rows = this.sinkRows.get(sink);
    if (rows === void 0) this.sinkRows.set(sink, [row]);
    else rows.push(row);
  }
};

// lib/runtime/emission.ts
var Emission = class {
  result;
  weight;
  part;
  /** The key group's own watermark when it was made: the start of the slice that closed. */
  own;
  timestamp;
  source;
  slice;
  hash;
  /** Of the key among those of its hash. */
  rank;
  /** Counts the results of one key in one slice. */
  n;
  constructor(operator2, slice, part3, { hash, rank: rank2, n }, weight, result) {
    this.result = result;
    this.weight = weight;
    this.part = part3;
    this.own = slice - operator2.slices.widthMs;
    this.timestamp = result.window.end - 1;
    this.source = operator2.name;
    this.slice = slice;
    this.hash = hash;
    this.rank = rank2;
    this.n = n;
  }
  get id() {
    return this.result.id;
  }
  get split() {
    return this.source;
  }
  get splitId() {
    return this.source;
  }
  get turn() {
    return Math.max(this.timestamp, this.own);
  }
  /** Made only when it is asked for: results that no other operator reads have no use of it. */
  get position() {
    return rowPosition(this.slice, this.hash, this.rank, this.n);
  }
};
function addEmissions(operator2, slice, draft, part3, rank2, n, emissions, failed) {
  const { cell, window, pane, accs, before } = draft;
  const place = { hash: cell.hash, rank: rank2, n };
  const id = `${operator2.name}|${cell.text}|${window.start}-${window.end}|${pane.index}`;
  try {
    if (operator2.node.accumulation !== "retracting") {
      const result = { key: cell.key, value: resultValue(operator2, accs), window, pane, id };
      emissions.push(new Emission(operator2, slice, part3, place, 1, result));
      return;
    }
    const value = resultValue(operator2, accs);
    if (before !== void 0) {
      const taken = {
        key: cell.key,
        value: resultValue(operator2, before),
        window,
        pane,
        id: `${id}|-`,
        op: "-"
      };
      emissions.push(new Emission(operator2, slice, part3, place, -1, taken));
    }
    emissions.push(
      new Emission(operator2, slice, part3, { ...place, n: n + 1 }, 1, {
        key: cell.key,
        value,
        window,
        pane,
        id,
        op: "+"
      })
    );
  } catch (thrown) {
    failed.push({ row: failure(operator2, id, cell.key, slice, window, thrown), part: part3 });
  }
}
function resultValue(operator2, accs) {
  const { fields, folds } = operator2;
  const value = {};
  for (let i = 0; i < fields.length; i++) value[fields[i]] = folds[i].result(accs[i]);
  return value;
}
function failure(operator2, id, key, slice, window, thrown) {
  const value = {
    reason: "step-threw",
    detail: messageOf(thrown),
    source: operator2.name,
    split: operator2.name,
    position: String(slice),
    timestamp: window.end - 1,
    operator: operator2.name,
    key,
    window,
    payload: null
  };
  return { id: `${id}|rejected`, value, order: id };
}
function addPartRow(parts, sink, part3, row) {
  let byPart = parts.get(sink);
  if (byPart === void 0) {
    byPart = /* @__PURE__ */ new Map();
    parts.set(sink, byPart);
  }
  const rows = byPart.get(part3);
  if (rows === void 0) byPart.set(part3, [row]);
  else rows.push(row);
}
function runEmissions(host, operator2, next, emissions, counted, keep3) {
  const { deadLetter } = host.plan.pipeline;
  const program = host.program(operator2.node.id);
  const spoilt = /* @__PURE__ */ new Map();
  for (; ; ) {
    const parts = /* @__PURE__ */ new Map();
    let part3 = "";
    const fold2 = new StageFold(
      { operators: next?.operators ?? [] },
      deadLetter,
      keep3,
      (sink, id, value) => addPartRow(parts, sink, part3, { id, value, order: "" })
    );
    let again = false;
    for (const emission of emissions) {
      part3 = emission.part;
      try {
        if (spoilt.size > 0 && spoilt.has(emission.position)) throw spoilt.get(emission.position);
        const rows = program.run(emission.result);
        if (next === void 0 || emission.position <= counted)
          fold2.repeat(rows, emission);
        else fold2.accept(rows, emission.own, emission.weight, emission);
      } catch (thrown) {
        if (thrown instanceof FragileFold && !spoilt.has(emission.position)) {
          spoilt.set(emission.position, thrown);
          again = true;
          break;
        }
        if (next !== void 0 && emission.position > counted) {
          fold2.counters.in++;
          fold2.counters.rejected++;
        }
        const { key, window } = emission.result;
        addPartRow(
          parts,
          deadLetter,
          part3,
          failure(operator2, emission.id, key, emission.own + operator2.slices.widthMs, window, thrown)
        );
      }
    }
    if (!again) return { fold: fold2, parts };
  }
}

// lib/runtime/closed.ts
var Closed = class {
  emissions = [];
  failed = [];
  /** The key that the cursor stands at, where more keys of its hash follow. */
  at;
  cursor;
  /** The key group's own watermark then: in the middle of a slice it is the slice's start still. */
  own;
  constructor(cursor, own) {
    this.cursor = cursor;
    this.own = own;
  }
  reach(cursor, own) {
    this.cursor = cursor;
    this.own = own;
    this.at = void 0;
  }
  /** Adds the results of a part. `isLast` where no key of the slice follows it. */
  take(operator2, slice, part3, rank2 = part3.lastRank, isLast = part3.last) {
    for (const { rank: of, panes } of part3.keys) {
      let n = 0;
      for (const draft of panes) {
        addEmissions(operator2, slice, draft, part3.name, of, n, this.emissions, this.failed);
        n += 2;
      }
    }
    if (isLast) this.reach(doneThrough(slice), slice);
    else {
      this.reach(doneUpTo(slice, part3.lastHash, rank2), slice - operator2.slices.widthMs);
      if (rank2 !== void 0) this.at = part3.lastText;
    }
  }
  clear() {
    this.emissions = [];
    this.failed = [];
  }
};

// lib/runtime/group-cursor.ts
init_base();
var freshCursor = () => ({ cursor: "", cursorSeal: cursorSeal("", void 0) });
var cursorSeal = (text2, at) => sealOf("cursor", text2, at);
var GroupCursor = class {
  text = "";
  /** The key that it stands at, where more keys of its hash follow. */
  at;
  host;
  key;
  /** When the claim runs out that stands in the table. */
  until;
  /** When this attempt's claim runs out. */
  claimedUntil = 0;
  constructor(host, key) {
    this.host = host;
    this.key = key;
  }
  get place() {
    return readCursor(this.text);
  }
  read(item) {
    this.text = item.cursor;
    this.at = item.at;
    this.until = item.until;
    checkSeal(item, "cursorSeal", cursorSeal(this.text, this.at), "the cursor of a key group");
  }
  /** Until it runs out, no other attempt starts on this key group: a courtesy, never a guard. A claim by a clock that is far ahead is none. */
  async claim() {
    const { store, clock, timeoutMs } = this.host.services;
    const now = clock.now();
    const { until } = this;
    if (until !== void 0 && until > now && until < now + CLAIM_MS_MAX + CLOCK_BOUND_MS) return false;
    this.claimedUntil = now + timeoutMs;
    const verdict = await store.update({
      key: this.key,
      set: { until: this.claimedUntil },
      when: [
        { attribute: "cursor", is: "equal", value: this.text },
        // guard: claim-cursor
        until === void 0 ? { attribute: "until", is: "absent" } : { attribute: "until", is: "equal", value: until }
        // guard: claim-as-read
      ]
    });
    return verdict.applied;
  }
  async unclaim() {
    await this.host.services.store.update({
      key: this.key,
      set: { until: 0 },
      when: [
        { attribute: "cursor", is: "equal", value: this.text },
        // guard: release-cursor
        { attribute: "until", is: "equal", value: this.claimedUntil }
        // guard: release-own
      ]
    });
  }
  /** Moves on to a text, and to the key that it stands at. The claim goes with the last move, and is prolonged by all others. */
  async move(to, at, isLast) {
    const { store, clock, timeoutMs } = this.host.services;
    assert(to >= this.text, `the cursor of ${this.key.pk} grows (law 9): from ${this.text} to ${to}`);
    this.claimedUntil = isLast ? 0 : clock.now() + timeoutMs;
    const verdict = await store.update({
      key: this.key,
      set: {
        cursor: to,
        cursorSeal: cursorSeal(to, at),
        until: this.claimedUntil,
        ...at !== void 0 && { at }
      },
      ...at === void 0 && this.at !== void 0 && { remove: ["at"] },
      when: [{ attribute: "cursor", is: "equal", value: this.text }]
      // guard: cursor-as-read
    });
    if (!verdict.applied) return false;
    this.text = to;
    this.at = at;
    return true;
  }
};

// lib/runtime/key-range.ts
init_base();

// lib/runtime/load.ts
init_base();
var HEAP_PER_BYTE = 2;
var HEAP_PER_ENTRY = 400;
var CHAINS_AT_ONCE2 = 16;
var laneBytes = (host) => host.limits.advanceBytes / GROUPS_AT_ONCE;
async function hold(host, operator2, lane, cache, { lo, hi, frozen, needed }) {
  const { bucketMs } = operator2.slices;
  if (cache.bytes > laneBytes(host) / 2) cache.trim(lo);
  if (!cache.isEmpty && lo < cache.from) {
    if (lo <= TIME_MIN || hi < cache.from - bucketMs) cache.clear();
    else {
      const older = { lo, hi: cache.from - bucketMs, frozen, needed: hi };
      if (await readBuckets(host, operator2, lane, cache, older) === void 0) return void 0;
      cache.from = lo;
    }
  }
  if (!cache.isEmpty && lo > cache.to + bucketMs) cache.clear();
  let start = cache.isEmpty ? lo : cache.to + bucketMs;
  if (start > hi) return hi;
  const { open: open3 } = cache;
  if (open3?.end === start && isCheaper(open3)) {
    cache.open = await readOn(host, operator2, lane, cache, open3);
    if (cache.bytes > laneBytes(host) && start <= needed) return void 0;
    keep(cache, operator2, lo, Math.min(start, hi), frozen);
    start += bucketMs;
    if (start > hi) return hi;
  }
  const reached = await readBuckets(host, operator2, lane, cache, { lo: start, hi, frozen, needed });
  if (reached !== void 0) keep(cache, operator2, lo, reached, frozen);
  return reached;
}
function keep(cache, { slices }, lo, reached, frozen) {
  if (cache.isEmpty) cache.from = lo;
  cache.to = Math.max(
    cache.to,
    reached === TIME_MAX ? TIME_MAX : Math.min(reached, slices.bucketEnd(frozen + 1) - slices.bucketMs)
    // guard: frozen-cache
  );
}
function isCheaper({ chains, bytes: bytes2 }) {
  return chains.size < CHAINS_AT_ONCE2 && chains.size * READ_UNIT_BYTES < bytes2;
}
async function readBuckets(host, operator2, lane, cache, { lo, hi, frozen, needed }) {
  const { slices } = operator2;
  cache.forget((bucket2) => bucket2 >= lo && bucket2 <= hi);
  const links = new LinkCheck();
  const bytesMax = laneBytes(host);
  let bytes2 = cache.bytes;
  let stored = 0;
  let bucket = Number.NEGATIVE_INFINITY;
  let reached = hi;
  const into = cache.reader();
  await eachSegment(
    host,
    operator2,
    lane,
    { from: lo <= TIME_MIN ? FIRST_SEGMENT : bucketFloor(lo), hi },
    async (item) => {
      const at = parseSegmentSk(item.sk).bucketEnd;
      if (bytes2 > bytesMax && at <= needed) {
        reached = void 0;
        return false;
      }
      if (bytes2 > bytesMax && at !== bucket) {
        reached = at - slices.bucketMs;
        return false;
      }
      if (at !== bucket) stored = 0;
      bucket = at;
      stored += item.data?.length ?? 0;
      const weight = await decode4(host, operator2, item, links, cache.keys, into);
      cache.weigh(at, weight);
      bytes2 += weight;
      return true;
    }
  );
  if (reached === hi && hi > frozen && bucket === hi) cache.open = { end: hi, chains: links.endsOf(hi), bytes: stored };
  return reached;
}
async function readOn(host, operator2, lane, cache, open3) {
  const splits = [...open3.chains.keys()].sort();
  let bytes2 = open3.bytes;
  const chains = new Map(open3.chains);
  const into = cache.reader();
  const ranges = [void 0, ...splits].map((split, i) => ({
    from: split === void 0 ? bucketFloor(open3.end) : segmentSk(open3.end, split, open3.chains.get(split)),
    to: i < splits.length ? segmentSk(open3.end, splits[i], "") : bucketCeiling(open3.end),
    split
  }));
  const found = await Promise.all(
    ranges.map(({ from, to }) => all(host, groupPk(host.prefix, operator2.name, lane), from, to))
  );
  for (const [i, items] of found.entries()) {
    const { split } = ranges[i];
    const links = new LinkCheck();
    if (split !== void 0)
      links.goOn(groupPk(host.prefix, operator2.name, lane), open3.end, split, open3.chains.get(split));
    for (const item of items) {
      cache.weigh(open3.end, await decode4(host, operator2, item, links, cache.keys, into));
      bytes2 += item.data?.length ?? 0;
    }
    for (const [name, to] of links.endsOf(open3.end)) chains.set(name, to);
  }
  return { end: open3.end, chains, bytes: bytes2 };
}
async function all(host, pk, from, to) {
  const items = [];
  await eachOf(host, { pk, from, to }, async (item) => items.push(item) > 0);
  return items;
}
async function eachSegment(host, operator2, lane, { from, hi }, take) {
  const pk = groupPk(host.prefix, operator2.name, lane);
  await eachOf(host, { pk, from, to: bucketCeiling(Math.min(hi, TIME_MAX)) }, take);
}
async function eachOf(host, range, take) {
  let after;
  do {
    const page = await host.services.store.query({ ...range, ...after !== void 0 && { after } });
    host.services.metrics.add("SegmentsRead", page.items.length, "Count");
    for (const item of page.items) if (!await take(item)) return;
    after = page.next;
  } while (after !== void 0);
}
async function decode4(host, operator2, item, links, keys, into) {
  refusePast(host, item);
  links.see(item);
  const raw = readPayload(item, await payloadOf(host, item), operator2, keys, into);
  return raw * HEAP_PER_BYTE + item.n * HEAP_PER_ENTRY;
}
function refusePast({ services: { store, clock } }, item) {
  if (store.keepsExpired === true || item.ttl > clock.now() / 1e3) return;
  throw new StopError(
    "state-expired",
    `Segment ${item.pk} ${item.sk} is past its time to live, and others may be gone. Open a new run and replay the source.`
  );
}

// lib/runtime/range-merge.ts
var DIRECT_MAX = 8;
function mergeAccs(operator2, a, b) {
  return operator2.folds.map((fold2, i) => fold2.merge(a[i], b[i]));
}
var RangeMerge = class {
  operator;
  /** By own slice. */
  folds;
  /** Indices of folds, by the end of the first window that they count in. */
  arrivals;
  arrived = 0;
  here;
  /** A binary tree: node i has the children 2i and 2i + 1, leaves begin at the size. Made when it is first worth it. */
  tree;
  size;
  constructor(operator2, folds) {
    this.operator = operator2;
    this.folds = [...folds].sort((a, b) => a.own - b.own);
    this.arrivals = this.folds.map((_, i) => i).sort((a, b) => this.folds[a].first - this.folds[b].first);
    this.here = this.folds.map(() => false);
    let size = 1;
    while (size < this.folds.length) size *= 2;
    this.size = size;
  }
  /** All that counts in a window; undefined where nothing does. */
  merged(window) {
    const [from, to] = this.range(window);
    if (to - from > DIRECT_MAX) return this.query(from, to);
    let accs;
    for (let i = from; i < to; i++) if (this.here[i]) accs = this.join(accs, this.folds[i].accs);
    return accs;
  }
  /** With how many slices something of the window has closed: the window's own end for what was on time, else what the fold travelled in. */
  closings(window) {
    const [from, to] = this.range(window);
    const found = /* @__PURE__ */ new Set();
    for (let i = from; i < to; i++) if (this.here[i]) found.add(Math.max(this.folds[i].carrier, window.end));
    return found.size;
  }
  /** Lets in what counts from this window on, and gives the indices of the folds whose own slice lies in it. */
  range({ start, end: end2 }) {
    const { folds, arrivals } = this;
    for (; this.arrived < arrivals.length; this.arrived++) {
      const i = arrivals[this.arrived];
      if (folds[i].first > end2) break;
      this.here[i] = true;
      if (this.tree !== void 0) this.put(i);
    }
    return [this.after(start), this.after(end2)];
  }
  after(own) {
    const { folds } = this;
    let lo = 0;
    let hi = folds.length;
    while (lo < hi) {
      const middle = lo + hi >> 1;
      if (folds[middle].own <= own) lo = middle + 1;
      else hi = middle;
    }
    return lo;
  }
  put(i) {
    const tree = this.tree;
    let node = this.size + i;
    tree[node] = this.folds[i].accs;
    for (node >>= 1; node >= 1; node >>= 1) tree[node] = this.join(tree[2 * node], tree[2 * node + 1]);
  }
  grown() {
    if (this.tree === void 0) {
      const tree = new Array(2 * this.size);
      for (let i = 0; i < this.folds.length; i++) if (this.here[i]) tree[this.size + i] = this.folds[i].accs;
      for (let node = this.size - 1; node >= 1; node--) tree[node] = this.join(tree[2 * node], tree[2 * node + 1]);
      this.tree = tree;
    }
    return this.tree;
  }
  query(from, to) {
    const tree = this.grown();
    let accs;
    for (let lo = this.size + from, hi = this.size + to; lo < hi; lo >>= 1, hi >>= 1) {
      if (lo & 1) accs = this.join(accs, tree[lo++]);
      if (hi & 1) accs = this.join(accs, tree[--hi]);
    }
    return accs;
  }
  join(a, b) {
    return a === void 0 ? b : b === void 0 ? a : mergeAccs(this.operator, a, b);
  }
};

// lib/runtime/panes.ts
var ClosingSlice = class {
  end;
  operator;
  held;
  ending;
  /** Slices that late rows travel in, as far back as a window with a late pane in this one may reach. */
  carriers;
  constructor(operator2, end2, cache) {
    const { slices } = operator2;
    this.operator = operator2;
    this.end = end2;
    this.ending = slices.windowEnding(end2);
    const oldest = end2 - slices.spanMs - slices.allowedLatenessMs - 2 * slices.widthMs;
    this.held = [...cache.slices.values()].filter((data) => data.end > oldest && data.end <= end2).sort((a, b) => a.end - b.end);
    this.carriers = this.held.filter(({ lates }) => lates.size > 0);
  }
  /** The keys that have panes, in the order of (key hash, key). Only collects: the time that it takes hangs on the folds held, not on windows. */
  keys() {
    const keys = /* @__PURE__ */ new Map();
    const keyOf2 = (cell) => {
      let key = keys.get(cell.text);
      if (key === void 0) {
        key = { cell, onTime: [], lates: [] };
        keys.set(cell.text, key);
      }
      return key;
    };
    const { ending } = this;
    if (ending !== void 0) {
      for (const { cells, lates } of this.between(ending.start, ending.end)) {
        for (const cell of cells.values()) keyOf2(cell).onTime.push(cell);
        for (const list of lates.values())
          for (const late of list) if (belongs(late, ending)) keyOf2(late).onTime.push(late);
      }
    }
    const own = this.held.at(-1);
    if (own?.end === this.end) for (const list of own.lates.values()) keyOf2(list[0]).lates = list;
    return [...keys.values()].sort((a, b) => byHash(a.cell, b.cell));
  }
  /**
   * The panes of a key that close with the slice (design, section 5): those of each closed window that rows travelling in it count in, then that of the window
   * that ends with it. Pure: every pane is merged anew from frozen slices. By ascending window end.
   */
  *panes(key) {
    if (key.lates.length > 0) yield* this.late(key);
    const { ending, operator: operator2 } = this;
    if (ending === void 0 || key.onTime.length === 0) return;
    let accs = key.onTime[0].accs;
    for (let i = 1; i < key.onTime.length; i++) accs = mergeAccs(operator2, accs, key.onTime[i].accs);
    const pane = { index: 0, timing: "on-time", first: true, last: lastOf2(operator2.slices, ending, ending.end) };
    yield { cell: key.cell, window: ending, pane, accs, before: void 0 };
  }
  /** Late panes cost what the key has, not what its windows span: its folds are put in order once, and windows that follow each other share what they merge. */
  *late(key) {
    const { operator: operator2, end: slice } = this;
    const { slices, node } = operator2;
    const windows = this.changed(key.lates);
    if (windows.length === 0) return;
    const { text: text2 } = key.cell;
    const folds = [];
    for (const { end: end2, cells } of this.between(windows[0].start, windows.at(-1).end)) {
      const cell = cells.get(text2);
      if (cell !== void 0) folds.push({ own: end2, first: end2, carrier: Number.NEGATIVE_INFINITY, accs: cell.accs });
    }
    const now = [];
    for (const { lates } of this.carriers)
      for (const late of lates.get(text2) ?? []) (late.carrier === slice ? now : folds).push(late);
    const before = new RangeMerge(operator2, folds);
    const added = new RangeMerge(operator2, now);
    const isWhole = node.accumulation !== "discarding";
    for (const window of windows) {
      const mine = added.merged(window);
      const was = isWhole ? before.merged(window) : void 0;
      const index = before.closings(window);
      const pane = { index, timing: "late", first: index === 0, last: lastOf2(slices, window, slice) };
      yield {
        cell: key.cell,
        window,
        pane,
        accs: was === void 0 ? mine : mergeAccs(operator2, was, mine),
        before: node.accumulation === "retracting" ? was : void 0
      };
    }
  }
  /** The closed windows that late rows count in, by ascending end. Windows of one operator that end together start together. */
  changed(lates) {
    const windows = /* @__PURE__ */ new Map();
    for (const late of lates)
      for (const window of this.operator.slices.windowsOf(late.own - 1))
        if (window.end >= late.first && window.end < this.end) windows.set(window.end, window);
    return [...windows.values()].sort((a, b) => a.end - b.end);
  }
  /** The slices held that end in (start, end]. */
  between(start, end2) {
    return this.held.slice(indexAfter(this.held, start), indexAfter(this.held, end2));
  }
};
function byHash(a, b) {
  return a.hash - b.hash || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
}
function indexAfter(held, end2) {
  let lo = 0;
  let hi = held.length;
  while (lo < hi) {
    const middle = lo + hi >> 1;
    if (held[middle].end <= end2) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}
function lastOf2(slices, window, closing) {
  return closing >= slices.lastPaneSlice(window.end);
}
function belongs(late, window) {
  return late.own > window.start && late.own <= window.end;
}
function marksOf({ end: end2, cells, lates }) {
  const owns = /* @__PURE__ */ new Set();
  for (const list of lates.values()) for (const late of list) owns.add(late.own);
  return { end: end2, hasCells: cells.size > 0, owns, hasLates: lates.size > 0 };
}
function closingSlices({ slices }, held, after, upTo) {
  const found = /* @__PURE__ */ new Set();
  const add = (instant) => {
    for (const window of slices.windowsOf(instant)) if (window.end > after && window.end <= upTo) found.add(window.end);
  };
  for (const { end: end2, hasCells, hasLates, owns } of held) {
    if (end2 > upTo) continue;
    if (end2 > after && hasLates) found.add(end2);
    if (hasCells) add(end2 - 1);
    for (const own of owns) add(own - 1);
  }
  return [...found].sort((a, b) => a - b);
}

// lib/runtime/slice-cache.ts
var SliceCache = class {
  slices = /* @__PURE__ */ new Map();
  last;
  folds;
  constructor({ folds }) {
    this.folds = folds;
  }
  get(end2) {
    return this.slices.get(end2);
  }
  addCell(slice, cell) {
    const { cells } = this.at(slice);
    const mine = cells.get(cell.text);
    if (mine === void 0) cells.set(cell.text, cell);
    else this.merge(mine.accs, cell.accs);
  }
  addLate(late) {
    const { lates } = this.at(late.carrier);
    const list = lates.get(late.text);
    const same = list?.find(({ own, first: first2 }) => own === late.own && first2 === late.first);
    if (same !== void 0) this.merge(same.accs, late.accs);
    else if (list === void 0) lates.set(late.text, [late]);
    else list.push(late);
  }
  merge(mine, theirs) {
    const { folds } = this;
    for (let i = 0; i < folds.length; i++) mine[i] = folds[i].merge(mine[i], theirs[i]);
  }
  at(end2) {
    if (this.last?.end === end2) return this.last;
    let data = this.slices.get(end2);
    if (data === void 0) {
      data = { end: end2, cells: /* @__PURE__ */ new Map(), lates: /* @__PURE__ */ new Map() };
      this.slices.set(end2, data);
    }
    this.last = data;
    return data;
  }
  /** Forgets slices for which `test` holds. */
  forget(test) {
    this.last = void 0;
    for (const end2 of this.slices.keys()) if (test(end2)) this.slices.delete(end2);
  }
};

// lib/runtime/key-range.ts
async function readRange(host, operator2, keyGroup, from, fromText, frontier, keysMin) {
  const { slices } = operator2;
  const lane = laneOf(keyGroup, operator2);
  const reader = new RangeReader(operator2, keyGroup, from, fromText);
  const links = new LinkCheck();
  const keys = new KnownKeys();
  const bytesMax = laneBytes(host);
  const closed = from.hash === void 0 ? from.slice : from.slice - slices.widthMs;
  const back = slices.bucketEnd(slices.neededFrom(closed) + slices.widthMs);
  const first2 = from.slice === TIME_MIN ? FIRST_SEGMENT : bucketFloor(back);
  const hi = frontier === TIME_MAX ? TIME_MAX : slices.bucketEnd(frontier);
  await eachSegment(host, operator2, lane, { from: first2, hi }, async (item) => {
    if (parseSegmentSk(item.sk).bucketEnd > slices.bucketEnd(reader.next)) return false;
    reader.begin();
    const weight = await decode4(host, operator2, item, links, keys, reader);
    reader.weigh(weight);
    if (reader.weight > bytesMax) reader.halve(keysMin);
    return true;
  });
  const { cache, upper } = reader;
  return { cache, upper, slice: reader.next <= frontier ? reader.next : void 0 };
}
var RangeReader = class {
  cache;
  /** The slice that closes next; `TIME_MAX` and beyond where none does. */
  next = TIME_MAX + 1;
  weight = 0;
  upper;
  operator;
  keyGroup;
  from;
  fromText;
  seen = /* @__PURE__ */ new Set();
  all = 0;
  taken = 0;
  constructor(operator2, keyGroup, from, fromText) {
    this.operator = operator2;
    this.keyGroup = keyGroup;
    this.from = from;
    this.fromText = fromText;
    this.cache = new SliceCache(operator2);
  }
  begin() {
    this.all = 0;
    this.taken = 0;
  }
  /** What was taken of a segment weighs its share. */
  weigh(bytes2) {
    if (this.all > 0) this.weight += bytes2 * this.taken / this.all;
  }
  cell = (slice, key, text2, hash, accs) => {
    this.all++;
    if (keyGroupOf(hash, this.operator.keyGroups) !== this.keyGroup) return;
    this.closes(slice);
    if (!this.wants(hash, text2)) return;
    this.taken++;
    this.cache.addCell(slice, { key, text: text2, hash, accs });
  };
  late = (carrier, own, first2, key, text2, hash, accs) => {
    this.all++;
    if (keyGroupOf(hash, this.operator.keyGroups) !== this.keyGroup) return;
    this.closes(own);
    if (carrier > this.after) this.next = Math.min(this.next, carrier);
    if (!this.wants(hash, text2)) return;
    this.taken++;
    this.cache.addLate({ key, text: text2, hash, accs, carrier, own, first: first2 });
  };
  /** Slices up to here are done. */
  get after() {
    return this.from.hash === void 0 ? this.from.slice : this.from.slice - 1;
  }
  /** Rows of a slice close with the windows that hold it. */
  closes(slice) {
    if (this.seen.has(slice)) return;
    this.seen.add(slice);
    const window = this.operator.slices.windowsOf(slice - 1).find(({ end: end2 }) => end2 > this.after);
    if (window !== void 0) this.next = Math.min(this.next, window.end);
  }
  wants(hash, text2) {
    const { from, upper } = this;
    if (upper !== void 0 && (hash > upper.hash || hash === upper.hash && text2 >= upper.text)) return false;
    return !isDone(from, this.fromText, hash, text2);
  }
  halve(keysMin) {
    const places = /* @__PURE__ */ new Map();
    for (const { cells, lates } of this.cache.slices.values()) {
      for (const cell of cells.values()) places.set(cell.text, cell);
      for (const [late] of lates.values()) places.set(late.text, late);
    }
    const keep3 = Math.max(keysMin, places.size >> 1);
    if (keep3 >= places.size) return;
    const upper = [...places.values()].sort(byHash)[keep3];
    const isOut = (cell) => byHash(cell, upper) >= 0;
    for (const { cells, lates } of this.cache.slices.values()) {
      for (const [text2, cell] of cells) if (isOut(cell)) cells.delete(text2);
      for (const [text2, [late]] of lates) if (isOut(late)) lates.delete(text2);
    }
    this.upper = { hash: upper.hash, text: upper.text };
    this.weight *= keep3 / places.size;
  }
};
function isDone({ hash, rank: rank2 }, fromText, keyHash, text2) {
  if (hash === void 0 || keyHash > hash) return false;
  return keyHash < hash || rank2 === void 0 || text2 <= fromText;
}

// lib/runtime/life.ts
init_base();
async function markStage(host, stage, watermark) {
  if (host.services.store.keepsExpired === true) return;
  const marks = readMarks(watermark);
  for (const { at } of marks) host.noteMark(stage.index, at);
  if (watermark === void 0 || !isUnmarked(host, stage, marks)) return;
  const now = host.services.clock.now();
  const more = marked(host, stage, marks, now, await listSplits(host, stage));
  const verdict = await host.services.store.update({
    key: watermarkKey(host.prefix, stage.index),
    set: writeMarks(more),
    when: [
      watermark.marks === void 0 ? { attribute: "marks", is: "absent" } : { attribute: "marks", is: "equal", value: watermark.marks }
      // guard: marks-as-read
    ]
  });
  if (verdict.applied) host.noteMark(stage.index, more.at(-1).at);
}
function aliveUntil(host, operator2, marks, closed, kept) {
  const start = closed === TIME_MIN ? TIME_MIN : operator2.slices.neededFrom(closed);
  return Math.max(writtenSince(host, marks, start) + segmentLifeMs(host, operator2), kept ?? Number.NEGATIVE_INFINITY);
}
function refuseExpired(host, operator2, keyGroup, until) {
  if (host.services.store.keepsExpired === true || host.services.clock.now() <= until) return;
  throw new StopError(
    "state-expired",
    `Segments of key group ${keyGroup} of "${operator2.name}" may have been deleted by their time to live, as nothing has run since before ${new Date(Math.max(0, until - host.limits.spareLifeMs)).toISOString()}. Open a new run and replay the source; to pause a pipeline, deploy it with enabled: false, which keeps its state.`
  );
}

// lib/runtime/outputs.ts
async function writeSplitRows(host, split, from, to, rows) {
  const batches = /* @__PURE__ */ new Map();
  for (const [node, list] of rows)
    if (list.length > 0) batches.set(node, [{ kind: "split", split, from, to, rows: list }]);
  await writeBatches(host, batches);
}
var PartBuffer = class {
  batches = /* @__PURE__ */ new Map();
  add(node, batch) {
    const list = this.batches.get(node);
    if (list === void 0) this.batches.set(node, [batch]);
    else list.push(batch);
  }
  async flush(host) {
    await writeBatches(host, this.batches);
    this.batches.clear();
  }
};
async function writeBatches(host, batches) {
  const { deadLetter } = host.plan.pipeline;
  const refused = [];
  for (const [node, list] of batches) {
    if (node === deadLetter) continue;
    for (const refusal of await write(host, node, list)) refused.push(rejected(node, refusal));
  }
  const last2 = merged([...batches.get(deadLetter) ?? [], ...refused]);
  if (last2.length === 0) return;
  const again = (await write(host, deadLetter, last2)).map((refusal) => withoutPayload(refusal));
  if (again.length === 0) return;
  for (const { row, reason } of await write(host, deadLetter, merged(again)))
    host.services.logger.error("the dead letter refuses a row", { sink: deadLetter.name, id: row.id, reason });
}
async function write(host, node, batches) {
  const refused = await (await host.sink(node)).write(batches) ?? [];
  const { metrics, logger } = host.services;
  metrics.add("SinkRows", batches.reduce((sum2, batch) => sum2 + batch.rows.length, 0) - refused.length, "Count");
  if (refused.length > 0) {
    metrics.add("RefusedRows", refused.length, "Count");
    logger.warn("a sink refuses rows", { sink: node.name, rows: refused.length, reason: refused[0].reason });
  }
  return refused;
}
function rejected(node, { batch, row, reason }) {
  const value = {
    reason: "sink-refused",
    detail: `The sink "${node.name}" refuses the row: ${reason}`,
    source: batch.kind === "split" ? batch.split : batch.operator,
    split: batch.kind === "split" ? batch.split : batch.operator,
    position: batch.kind === "split" ? row.order : batch.part,
    payload: row.value
  };
  return { ...batch, rows: [{ id: `${row.id}|${node.name}`, value, order: row.order }] };
}
function withoutPayload({ batch, row, reason }) {
  const value = { ...row.value, payload: null, refused: reason };
  return { ...batch, rows: [{ ...row, value }] };
}
function merged(batches) {
  const byName = /* @__PURE__ */ new Map();
  for (const batch of batches) {
    const name = batch.kind === "split" ? `s ${batch.split}` : `o ${batch.operator} ${batch.part}`;
    const before = byName.get(name);
    byName.set(name, before === void 0 ? batch : { ...before, rows: [...before.rows, ...batch.rows] });
  }
  return [...byName.values()].map(
    (batch) => batch.kind === "split" ? { ...batch, rows: [...batch.rows].sort(byOrder) } : batch
  );
}
var byOrder = (a, b) => a.order < b.order ? -1 : a.order > b.order ? 1 : 0;

// lib/runtime/parts.ts
init_base();
function* partsOf(slice, keys, panesOf, rowsMax, rank2) {
  let at = 0;
  let current = rank2;
  while (at < keys.length) {
    const { hash } = keys[at].cell;
    const name = `${sortable(slice)}-${hex8(hash)}${current === 0 ? "" : `-${String(current).padStart(8, "0")}`}`;
    const taken = [];
    let rows = 0;
    let isFull = false;
    let lastRank = current;
    let last2 = keys[at].cell;
    for (; at < keys.length && !isFull; at++) {
      const key = keys[at];
      if (taken.length > 0) current = key.cell.hash === last2.hash ? current + 1 : 0;
      last2 = key.cell;
      lastRank = current;
      const panes = [...panesOf(key)];
      taken.push({ rank: current, panes });
      rows += panes.length;
      isFull = rows >= rowsMax;
    }
    const next = keys[at]?.cell;
    const isWithin = next?.hash === last2.hash;
    current = isWithin ? lastRank + 1 : 0;
    yield {
      name,
      keys: taken,
      lastHash: last2.hash,
      lastText: last2.text,
      lastRank: isWithin ? lastRank : void 0,
      isFull,
      last: next === void 0
    };
  }
}

// lib/runtime/advance.ts
async function advance(host, operator2, keyGroup, deadline) {
  const cache = host.lane(operator2, laneOf(keyGroup, operator2));
  const before = cache.turn;
  let done = () => void 0;
  cache.turn = new Promise((resolve) => {
    done = resolve;
  });
  await before;
  cache.busy = true;
  try {
    return await new Advance(host, operator2, keyGroup, cache, deadline).run();
  } catch (error) {
    cache.clear();
    throw error;
  } finally {
    cache.busy = false;
    host.trimCaches();
    done();
  }
}
var Advance = class {
  host;
  operator;
  keyGroup;
  cache;
  deadline;
  next;
  /** The key group as a split of the next stage. */
  splitName;
  split;
  marks = [];
  kept;
  cursor;
  /** Every slice up to here is closed. */
  frontier = TIME_MIN;
  constructor(host, operator2, keyGroup, cache, deadline) {
    this.host = host;
    this.operator = operator2;
    this.keyGroup = keyGroup;
    this.cache = cache;
    this.deadline = deadline;
    this.cursor = new GroupCursor(host, groupKey(host.prefix, operator2.name, keyGroup));
    this.next = host.stageAfter(operator2.name);
    this.splitName = splitName(operator2.name, keyGroupSplit(keyGroup));
  }
  async run() {
    const published = await this.load();
    const { slices } = this.operator;
    if (published === TIME_MIN) return "done";
    this.frontier = published === TIME_MAX ? TIME_MAX : slices.frontier(published);
    if (this.isDone(this.cursor.place)) return "done";
    if (!await this.cursor.claim()) return "claimed";
    try {
      const outcome = await this.closeAll();
      if (outcome === "deadline") await this.cursor.unclaim();
      return outcome;
    } catch (error) {
      await this.cursor.unclaim().catch(() => void 0);
      throw error;
    }
  }
  isDone(at) {
    return at.slice >= this.frontier && at.hash === void 0;
  }
  async closeAll() {
    for (; ; ) {
      const from = this.cursor.place;
      if (this.isDone(from)) return "done";
      if (this.deadline.remainingMs() < DEADLINE_RESERVE_MS) return "deadline";
      const closed = from.hash === void 0 ? from.slice : from.slice - this.operator.slices.widthMs;
      refuseExpired(
        this.host,
        this.operator,
        this.keyGroup,
        aliveUntil(this.host, this.operator, this.marks, closed, this.kept)
      );
      const upTo = await this.held(from);
      const outcome = upTo === void 0 ? await this.closeRange(from) : await this.close(from, upTo, this.cache.group(this.keyGroup));
      if (outcome !== "moved") return outcome;
      this.release();
    }
  }
  /** Of the lane this key group needs only what windows still open may read. */
  release() {
    const { slices } = this.operator;
    const { slice, hash } = this.cursor.place;
    const done = hash === void 0 ? slice : slice - slices.widthMs;
    const oldest = done - slices.spanMs - slices.allowedLatenessMs - slices.widthMs;
    this.cache.release(this.keyGroup, slices.bucketEnd(Math.max(TIME_MIN, oldest)));
  }
  /** Reads the cursor, the watermark and the split of the next stage, strongly and at once (law 12). */
  async load() {
    const { host, operator: operator2, next } = this;
    const { store } = host.services;
    const group = groupKey(host.prefix, operator2.name, this.keyGroup);
    const keys = [group, watermarkKey(host.prefix, operator2.stage)];
    if (next !== void 0)
      keys.push(splitKey(host.prefix, next.index, this.splitName), watermarkKey(host.prefix, next.index));
    let [item, watermark, split, nextWatermark] = await store.get(keys);
    if (item === void 0) {
      await store.insert([{ ...group, ...freshCursor() }]);
      [item] = await store.get([group]);
    }
    if (next !== void 0 && split === void 0) {
      await register(host, next);
      [split, nextWatermark] = await store.get(keys.slice(2));
    }
    this.cursor.read(item);
    if (next !== void 0) {
      this.split = readSplit(split, next.operators.length);
      await markStage(host, next, nextWatermark);
    }
    this.marks = readMarks(watermark);
    this.kept = item.kept;
    return readWatermark(watermark).published;
  }
  /** Makes the cache hold what closing the next slices reads. Returns how far it does; undefined where the heap does not take it. */
  async held(from) {
    const { slices } = this.operator;
    const { host, operator: operator2, keyGroup, cache, frontier } = this;
    const lane = laneOf(keyGroup, operator2);
    const closed = from.hash === void 0 ? from.slice : from.slice - slices.widthMs;
    const lo = from.slice === TIME_MIN ? TIME_MIN : slices.bucketEnd(slices.neededFrom(closed, 0) + slices.widthMs);
    const hi = frontier === TIME_MAX ? TIME_MAX : slices.bucketEnd(frontier);
    const needed = from.slice === TIME_MIN ? TIME_MIN : slices.bucketEnd(from.hash === void 0 ? from.slice + slices.widthMs : from.slice);
    const reached = await hold(host, operator2, lane, cache, { lo, hi, frozen: frontier, needed });
    if (reached === void 0) return void 0;
    const upTo = Math.min(frontier, reached);
    let hasLates = false;
    for (const { end: end2, lates } of cache.group(keyGroup).slices.values())
      hasLates ||= lates.size > 0 && end2 >= from.slice && end2 <= upTo;
    if (hasLates && lo > TIME_MIN) {
      const back = slices.bucketEnd(slices.neededFrom(closed) + slices.widthMs);
      const stretch = { lo: back, hi, frozen: frontier, needed };
      if (back < lo && await hold(host, operator2, lane, cache, stretch) === void 0) return void 0;
    }
    return upTo;
  }
  /** Closes the slice that is next for as many keys as the heap holds (law 11). */
  async closeRange(from) {
    const { host, operator: operator2, keyGroup, frontier } = this;
    this.cache.clear();
    host.services.metrics.add("KeyRanges", 1, "Count");
    for (let keysMin = 2 * host.limits.partRows; ; keysMin *= 2) {
      if (this.deadline.remainingMs() < DEADLINE_RESERVE_MS) return "deadline";
      const range = await readRange(host, operator2, keyGroup, from, this.cursor.at, frontier, keysMin);
      if (range.slice === void 0) return await this.settle(new Closed(doneThrough(frontier), frontier));
      if (range.upper === void 0) {
        const upTo = from.hash === void 0 ? operator2.slices.bucketEnd(range.slice) : range.slice;
        return await this.close(from, Math.min(frontier, upTo), range.cache);
      }
      const outcome = await this.closeKeys(from, range.slice, range);
      if (outcome !== "short") return outcome;
    }
  }
  /** Closes every slice in (from, upTo], a part at a time. */
  async close(from, upTo, cache) {
    const { operator: operator2 } = this;
    const after = from.hash === void 0 ? from.slice : from.slice - 1;
    const closed = new Closed(this.cursor.text, from.slice);
    for (const slice of closingSlices(operator2, [...cache.slices.values()].map(marksOf), after, upTo)) {
      for (const part3 of this.parts(from, slice, cache)) {
        closed.take(operator2, slice, part3);
        if (closed.emissions.length < this.host.limits.sinkRows && !this.isDue()) continue;
        if (await this.settle(closed) === "claimed") return "claimed";
        if (this.isDue()) return "deadline";
      }
    }
    closed.reach(doneThrough(upTo), upTo);
    return await this.settle(closed);
  }
  /** Closes one slice for a range of keys, in whole parts. `short`: there is none whole. */
  async closeKeys(from, slice, { cache, upper }) {
    const { operator: operator2 } = this;
    const closed = new Closed(this.cursor.text, slice - operator2.slices.widthMs);
    const before = this.cursor.text;
    let hasPanes = false;
    for (const part3 of this.parts(from, slice, cache)) {
      hasPanes = true;
      if (!part3.isFull) break;
      const isWithin = part3.last && part3.lastHash === upper.hash;
      closed.take(operator2, slice, part3, isWithin ? part3.keys.at(-1).rank : part3.lastRank, false);
      if (closed.emissions.length < this.host.limits.sinkRows && !this.isDue()) continue;
      if (await this.settle(closed) === "claimed") return "claimed";
      if (this.isDue()) return "deadline";
    }
    if (!hasPanes && upper.hash > (from.slice === slice ? from.hash ?? -1 : -1) + 1)
      closed.reach(doneUpTo(slice, upper.hash - 1), slice - operator2.slices.widthMs);
    if (closed.cursor === before) return this.cursor.text === before ? "short" : "moved";
    return await this.settle(closed);
  }
  isDue() {
    return this.deadline.remainingMs() < DEADLINE_RESERVE_MS;
  }
  /** The parts of a slice that are not done yet. */
  parts(from, slice, cache) {
    const closing = new ClosingSlice(this.operator, slice, cache);
    let keys = closing.keys();
    let rank2 = 0;
    if (slice === from.slice && from.hash !== void 0) {
      const { at } = this.cursor;
      keys = keys.filter(({ cell }) => !isDone(from, at, cell.hash, cell.text));
      if (from.rank !== void 0 && keys[0]?.cell.hash === from.hash) rank2 = from.rank + 1;
    }
    return partsOf(slice, keys, (key) => closing.panes(key), this.host.limits.partRows, rank2);
  }
  /** Emit, then the next stage's segments and split, then the cursor (law 8). `claimed`: another attempt has moved it. */
  async settle(closed) {
    const { emissions, failed, cursor: upTo, own, at } = closed;
    const { host, operator: operator2, next, split } = this;
    const { fold: fold2, parts } = runEmissions(host, operator2, next, emissions, split?.position ?? "");
    for (const { row, part: part3 } of failed) addPartRow(parts, host.plan.pipeline.deadLetter, part3, row);
    const buffer = new PartBuffer();
    for (const [sink, byPart] of parts) {
      for (const [part3, rows] of byPart) buffer.add(sink, { kind: "operator", operator: operator2.name, part: part3, rows });
    }
    await buffer.flush(host);
    if (next !== void 0 && split !== void 0 && split.position < upTo)
      await this.passOn(next, split, fold2, emissions, upTo, own);
    if (!await this.cursor.move(upTo, at, upTo === doneThrough(this.frontier))) return "claimed";
    closed.clear();
    return "moved";
  }
  async passOn(next, split, fold2, emissions, upTo, own) {
    const { host, operator: operator2 } = this;
    await writeSplitRows(host, split.name, split.position, upTo, fold2.sinkRows);
    const again = (keep3) => runEmissions(host, operator2, next, emissions, split.position, keep3).fold;
    const tails = await writeSegments(host, next, split.name, split.position, upTo, split.tails, fold2, again);
    const top = emissions.reduce((highest, emission) => Math.max(highest, emission.timestamp), split.top);
    const done = await checkpoint(host, next, split, {
      to: upTo,
      own,
      top,
      counters: fold2.counters,
      tails
    });
    this.split = done.split;
  }
};

// lib/runtime/stage-advance.ts
var STOPPED_KEY_GROUP = "a key group has stopped: its state cannot be used";
async function advanceStage(host, stage, deadline) {
  const published = await advanceWatermark(host, stage);
  if (published === TIME_MIN) return [];
  const stops = [];
  for (const operator2 of stage.operators) stops.push(...await advanceOperator(host, operator2, deadline));
  for (const next of host.plan.stages) {
    if (next.inputs.some((input) => input.kind === "operator" && input.operator.stage === stage.index))
      stops.push(...await advanceStage(host, next, deadline));
  }
  return stops;
}
async function advanceOperator(host, operator2, deadline) {
  const byLane = Array.from({ length: operator2.lanes }, () => []);
  for (let keyGroup = 0; keyGroup < operator2.keyGroups; keyGroup++) byLane[laneOf(keyGroup, operator2)].push(keyGroup);
  const stops = [];
  const failures = [];
  const work = async (keyGroup) => {
    try {
      const outcome = await advanceOrPass(host, operator2, keyGroup, deadline);
      if (outcome instanceof StopError) stops.push(outcome);
    } catch (error) {
      failures.push(error);
    }
  };
  for (let at = 0; at < byLane.length; at += GROUPS_AT_ONCE)
    await Promise.all(
      byLane.slice(at, at + GROUPS_AT_ONCE).map(async (keyGroups) => {
        for (const keyGroup of keyGroups) await work(keyGroup);
      })
    );
  if (failures.length > 0) throw failures[0];
  return stops;
}
async function advanceOrPass(host, operator2, keyGroup, deadline) {
  try {
    const outcome = await advance(host, operator2, keyGroup, deadline);
    if (outcome === "deadline") await host.services.queue?.advance({ operator: operator2.name, keyGroup });
    return outcome;
  } catch (error) {
    if (!(error instanceof StopError)) throw error;
    host.services.metrics.add("StoppedKeyGroups", 1, "Count");
    host.services.logger.error(STOPPED_KEY_GROUP, {
      operator: operator2.name,
      keyGroup,
      code: error.code,
      error: error.message
    });
    return error;
  }
}

// lib/handlers/bindings.ts
init_base();

// lib/runtime/host.ts
init_base();

// lib/runtime/lane-cache.ts
init_base();
var LaneCache = class {
  groups = /* @__PURE__ */ new Map();
  keys = new KnownKeys();
  from = TIME_MAX;
  to = -TIME_MAX;
  open;
  /** Settles when the attempt before has left the cache. */
  turn = Promise.resolve();
  /** An attempt is at work on it. */
  busy = false;
  operator;
  /** The oldest bucket that a key group may still read, of those that were at work here. */
  needs = /* @__PURE__ */ new Map();
  /** Heap by bucket. */
  weights = /* @__PURE__ */ new Map();
  constructor(operator2) {
    this.operator = operator2;
  }
  get isEmpty() {
    return this.from > this.to;
  }
  get bytes() {
    let sum2 = 0;
    for (const bytes2 of this.weights.values()) sum2 += bytes2;
    return sum2;
  }
  group(keyGroup) {
    let group = this.groups.get(keyGroup);
    if (group === void 0) {
      group = new SliceCache(this.operator);
      this.groups.set(keyGroup, group);
    }
    return group;
  }
  weigh(bucket, bytes2) {
    this.weights.set(bucket, (this.weights.get(bucket) ?? 0) + bytes2);
  }
  /** A reader that deals a segment's entries to the key groups. */
  reader() {
    const { keyGroups } = this.operator;
    return {
      cell: (slice, key, text2, hash, accs) => this.group(keyGroupOf(hash, keyGroups)).addCell(slice, { key, text: text2, hash, accs }),
      late: (carrier, own, first2, key, text2, hash, accs) => this.group(keyGroupOf(hash, keyGroups)).addLate({ key, text: text2, hash, accs, carrier, own, first: first2 })
    };
  }
  /** Forgets the buckets, by their ends, for which `test` holds. */
  forget(test) {
    const { slices } = this.operator;
    for (const group of this.groups.values()) group.forget((end2) => test(slices.bucketEnd(end2)));
    for (const bucket of this.weights.keys()) if (test(bucket)) this.weights.delete(bucket);
    if (this.open !== void 0 && test(this.open.end)) this.open = void 0;
  }
  clear() {
    this.groups.clear();
    this.weights.clear();
    this.open = void 0;
    this.from = TIME_MAX;
    this.to = -TIME_MAX;
  }
  /** Forgets what lies before a bucket. Who needs it still reads it again. */
  trim(oldestBucket) {
    if (this.isEmpty || oldestBucket <= this.from) return;
    this.forget((bucket) => bucket < oldestBucket);
    this.from = oldestBucket;
    if (this.isEmpty) this.clear();
  }
  /** A key group needs nothing before this bucket any more. What none of the lane needs is forgotten. */
  release(keyGroup, oldestBucket) {
    const { keyGroups, lanes } = this.operator;
    this.needs.set(keyGroup, oldestBucket);
    const lane = laneOf(keyGroup, this.operator);
    const firstOf = (of) => Math.ceil(of * keyGroups / lanes);
    if (this.needs.size === firstOf(lane + 1) - firstOf(lane)) this.trim(Math.min(...this.needs.values()));
  }
};

// lib/runtime/program.ts
init_base();
var Rows = class {
  count = 0;
  terminal = [];
  value = [];
  key = [];
  /** What each fold of the operator reads of the row. */
  inputs = [];
  /**
   * The slot of one more row.
   * @throws {RecordRejection} `too-many-rows`
   */
  next() {
    if (this.count < ROWS_PER_RECORD_MAX) return this.count;
    throw new RecordRejection(
      "too-many-rows",
      `A record becomes at most ${ROWS_PER_RECORD_MAX} rows; the steps make more of this one. Check its flatMap.`
    );
  }
};
var Program = class {
  rows = new Rows();
  terminals = [];
  start;
  constructor(plan2, node) {
    this.start = this.after(plan2, node, false);
  }
  /** Runs the steps for one record. What the user's code throws goes to the caller. */
  run(value) {
    this.rows.count = 0;
    this.start(value);
    return this.rows;
  }
  after(plan2, node, diverted) {
    const readers = plan2.readers[node].filter(
      (reader) => reader.kind === "side" === diverted || plan2.pipeline.nodes[node].kind !== "divert"
    );
    const steps = readers.map((reader) => this.step(plan2, reader.id));
    if (steps.length === 1) return steps[0];
    return (value) => {
      for (const step of steps) step(value);
    };
  }
  step(plan2, id) {
    const node = plan2.pipeline.nodes[id];
    switch (node.kind) {
      case "map": {
        const { fn } = node;
        const next = this.after(plan2, id, false);
        return (value) => next(fn(value));
      }
      case "filter": {
        const { fn } = node;
        const next = this.after(plan2, id, false);
        return (value) => {
          if (fn(value)) next(value);
        };
      }
      case "flat-map": {
        const { fn } = node;
        const next = this.after(plan2, id, false);
        return (value) => {
          for (const row of fn(value)) next(row);
        };
      }
      case "divert": {
        const { fn } = node;
        const next = this.after(plan2, id, false);
        const side = this.after(plan2, id, true);
        return (value) => fn(value) ? side(value) : next(value);
      }
      case "side":
      case "merge":
        return this.after(plan2, id, false);
      case "sink":
        return this.emit({ kind: "sink", index: this.terminals.length, sink: node.sink });
      case "aggregate": {
        const operator2 = plan2.operators.find((candidate) => candidate.node === node);
        return this.enter({ kind: "operator", index: this.terminals.length, operator: operator2 }, operator2.key, operator2.folds);
      }
      case "source":
        throw new TypeError("a source has no input");
    }
  }
  emit(terminal) {
    this.terminals.push(terminal);
    const { rows } = this;
    return (value) => {
      const slot = rows.next();
      rows.terminal[slot] = terminal;
      rows.value[slot] = value;
      rows.count = slot + 1;
    };
  }
  /** The user's key and every fold's reading run here, so that a throw leaves all accumulators as they were. */
  enter(terminal, key, folds) {
    this.terminals.push(terminal);
    const { rows } = this;
    return (value) => {
      const slot = rows.next();
      rows.terminal[slot] = terminal;
      rows.value[slot] = value;
      rows.key[slot] = key(value);
      let inputs = rows.inputs[slot];
      if (inputs === void 0) {
        inputs = [];
        rows.inputs[slot] = inputs;
      }
      for (let i = 0; i < folds.length; i++) inputs[i] = folds[i].read(value);
      rows.count = slot + 1;
    };
  }
};

// lib/runtime/host.ts
var Host = class {
  plan;
  services;
  run;
  prefix;
  limits;
  programs = /* @__PURE__ */ new Map();
  caches = /* @__PURE__ */ new Map();
  sinks = /* @__PURE__ */ new Map();
  marks = /* @__PURE__ */ new Map();
  checked;
  constructor(pipeline2, services) {
    this.plan = plan(pipeline2);
    this.services = services;
    this.run = services.run ?? 1;
    this.prefix = runPrefix(pipeline2.name, this.run);
    this.limits = { ...LIMITS, ...services.limits };
  }
  /** The steps after an input: after a source, or from an operator's results to its sinks and to the operators after it. */
  program(node) {
    let program = this.programs.get(node);
    if (program === void 0) {
      program = new Program(this.plan, node);
      this.programs.set(node, program);
    }
    return program;
  }
  stageOf(source2) {
    for (const stage of this.plan.stages) {
      const input = stage.inputs.find((candidate) => candidate.name === source2);
      if (input) return { stage, input };
    }
    throw new MillraceError("unknown-source", `Pipeline "${this.plan.pipeline.name}" has no source "${source2}".`);
  }
  /** The stage that reads an operator's results, if there is one. */
  stageAfter(operator2) {
    return this.plan.stages.find(
      (stage) => stage.inputs.some((input) => input.kind === "operator" && input.name === operator2)
    );
  }
  /** What this container keeps of a lane. */
  lane(operator2, lane) {
    const name = `${operator2.name}#${lane}`;
    const cache = this.caches.get(name) ?? new LaneCache(operator2);
    this.caches.delete(name);
    this.caches.set(name, cache);
    return cache;
  }
  /** The newest time at which a stage was marked, as far as this container knows: its own clock may be behind it. */
  newestMark(stage) {
    return this.marks.get(stage) ?? Number.NEGATIVE_INFINITY;
  }
  noteMark(stage, at) {
    if (at > this.newestMark(stage)) this.marks.set(stage, at);
  }
  /** Forgets the caches that were not asked for the longest, until what is left keeps the limit. */
  trimCaches() {
    let bytes2 = 0;
    for (const cache of this.caches.values()) bytes2 += cache.bytes;
    for (const cache of this.caches.values()) {
      if (bytes2 <= CACHE_BYTES_MAX) return;
      if (cache.busy) continue;
      bytes2 -= cache.bytes;
      cache.clear();
    }
  }
  sink(node) {
    let sink = this.sinks.get(node);
    if (sink === void 0) {
      sink = this.services.openSink(node);
      this.sinks.set(node, sink);
      sink.catch(() => this.sinks.delete(node));
    }
    return sink;
  }
  async close() {
    for (const sink of this.sinks.values()) await (await sink).close();
    this.sinks.clear();
  }
  /** Once a container: state of another graph is refused, with the first difference by name. */
  ready() {
    this.checked ??= this.checkFingerprint().catch((error) => {
      this.checked = void 0;
      throw error;
    });
    return this.checked;
  }
  async checkFingerprint() {
    const { store, clock } = this.services;
    const key = pipelineKey(this.prefix);
    const mine = fingerprint(this.plan);
    let [item] = await store.get([key]);
    if (item === void 0) {
      await store.insert([
        { ...key, fingerprint: mine, manifest: JSON.stringify(manifest(this.plan)), format: 1, at: clock.now() }
      ]);
      [item] = await store.get([key]);
    }
    if (item?.format !== 1) {
      throw new StopError(
        "unknown-format",
        `The state of "${this.prefix}" is in format ${String(item?.format)}; this version reads format 1. Run the version that wrote it, or open a new run.`
      );
    }
    if (item.fingerprint === mine) return;
    throw otherGraph(item, this.plan, this.run);
  }
};
function otherGraph(item, plan2, run2) {
  const change2 = difference(JSON.parse(item.manifest), JSON.parse(JSON.stringify(manifest(plan2))));
  return new StopError(
    "graph-changed",
    `The state of run ${run2} of "${plan2.pipeline.name}" belongs to another graph: ${change2 ?? "its fingerprint differs"}. Deploy the graph that wrote it, or open a new run (locally: --fresh).`
  );
}

// lib/handlers/timeout.ts
var DEFAULT_TIMEOUT_MS = 6e4;
var FunctionTimeout = class {
  bound;
  most = 0;
  constructor(bound2) {
    this.bound = bound2;
  }
  get ms() {
    return this.bound ?? (this.most > 0 ? this.most : DEFAULT_TIMEOUT_MS);
  }
  note(remainingMs) {
    this.most = Math.max(this.most, remainingMs);
  }
};

// lib/handlers/bindings.ts
function container(pipeline2, bindings) {
  let opened;
  return () => {
    opened ??= openContainer(pipeline2, bindings).catch((error) => {
      opened = void 0;
      throw error;
    });
    return opened;
  };
}
async function openContainer(pipeline2, given) {
  if (given?.state === void 0) {
    throw new ConfigError(
      "no-state",
      `The handler of "${pipeline2.name}" needs a state store: pass { state } as its second argument, such as ingest(pipeline, { state: memoryStore }).`
    );
  }
  checkNames(pipeline2, given);
  const { state } = given;
  const store = typeof state === "function" ? await state() : state;
  const clock = given.clock ?? systemClock;
  const run2 = given.run ?? 1;
  const deployment = given.deployment ?? pipeline2.name;
  const timeout = new FunctionTimeout(given.timeoutMs);
  const host = new Host(pipeline2, {
    store,
    clock,
    run: run2,
    openSink: (node) => given.sink?.(node) ?? node.open(sinkContext(pipeline2, run2, bound(given.resources, node.name))),
    inspector: (source2) => bound(given.inspectors, source2),
    ids: given.ids ?? randomIds,
    logger: given.logger ?? jsonLogger(void 0, { pipeline: deployment }),
    metrics: given.metrics ?? emfMetrics(() => clock.now()),
    get timeoutMs() {
      return timeout.ms;
    },
    ...given.queue && { queue: given.queue },
    ...given.limits && { limits: given.limits }
  });
  return { host, bindings: given, store, timeout, deployment };
}
function bound(names, name) {
  return names !== void 0 && Object.hasOwn(names, name) ? names[name] : void 0;
}
function checkNames(pipeline2, { resources = {}, inspectors = {}, origins = {} }) {
  const { sources, sinks } = plan(pipeline2);
  const known2 = { source: sources.map(({ name }) => name), sink: sinks.map(({ name }) => name) };
  const check5 = (what, kind, names) => {
    const unknown = names.find((name) => !known2[kind].includes(name));
    if (unknown === void 0) return;
    throw new ConfigError(
      "unknown-name",
      `${what} names the ${kind} "${unknown}"; pipeline "${pipeline2.name}" has ${known2[kind].join(", ") || "none"}.`
    );
  };
  check5("resources", "sink", Object.keys(resources));
  check5("inspectors", "source", Object.keys(inspectors));
  check5("origins", "source", Object.values(origins));
}
function sinkContext(pipeline2, run2, resource) {
  return { pipeline: pipeline2.name, run: run2, ...resource !== void 0 && { resource } };
}

// lib/handlers/invocation.ts
function deadlineOf(context, { timeout }) {
  const remaining = context?.getRemainingTimeInMillis?.();
  if (remaining !== void 0) timeout.note(remaining);
  return { remainingMs: () => context?.getRemainingTimeInMillis?.() ?? timeout.ms };
}
async function measured({ host, store, deployment }, handler, work) {
  const { clock, metrics } = host.services;
  const started = clock.now();
  const before = store.usage();
  try {
    return await work();
  } catch (error) {
    metrics.add("Failures", 1, "Count");
    throw error;
  } finally {
    const after = store.usage();
    metrics.add("StoreRequests", after.requests - before.requests, "Count");
    metrics.add("WriteUnits", after.writeUnits - before.writeUnits, "Count");
    metrics.add("ReadUnits", after.readUnits - before.readUnits, "Count");
    metrics.add("DurationMs", clock.now() - started, "Milliseconds");
    metrics.flush({ Pipeline: deployment, Handler: handler });
  }
}

// lib/handlers/advance.ts
function advance2(pipeline2, bindings) {
  const open3 = container(pipeline2, bindings);
  return async (event, context) => {
    const opened = await open3();
    return measured(opened, "advance", async () => {
      const { host } = opened;
      await host.ready();
      const deadline = deadlineOf(context, opened);
      const requests = requestsOf(event);
      const operators = requests.map((request) => operatorOf(host.plan, request));
      for (const [i, request] of requests.entries()) {
        const outcome = await advanceOrPass(host, operators[i], request.keyGroup, deadline);
        const next = host.stageAfter(request.operator);
        if (outcome === "done" && next !== void 0) await advanceStage(host, next, deadline);
      }
      return {};
    });
  };
}
function operatorOf(plan2, { operator: name, keyGroup }) {
  const operator2 = operatorNamed(plan2, name);
  if (Number.isSafeInteger(keyGroup) && keyGroup >= 0 && keyGroup < operator2.keyGroups) return operator2;
  throw new EventShapeError(
    `Operator "${name}" has key groups 0 to ${operator2.keyGroups - 1}; the request names ${keyGroup}.`
  );
}
function requestsOf(event) {
  const records = event?.Records;
  const requests = Array.isArray(records) ? records.map((record) => parse2(record?.body)) : [event];
  for (const request of requests) {
    if (typeof request?.operator === "string" && typeof request.keyGroup === "number") continue;
    throw new EventShapeError("The advance handler takes { operator, keyGroup }, or an SQS event with such bodies.");
  }
  return requests;
}
function parse2(body) {
  try {
    return JSON.parse(String(body));
  } catch {
    return void 0;
  }
}

// lib/handlers/ingest.ts
init_base();

// lib/codecs/framing.ts
import { randomBytes } from "node:crypto";
var COMMA_SEPARATOR = Buffer.from("\n,", "latin1");
var WORD = randomBytes(16).toString("base64url");
var WORD_SEPARATOR = Buffer.from(`,"${WORD}",`, "latin1");

// lib/codecs/json-checks.ts
var QUOTE = 34;
var BACKSLASH = 92;
var OPEN_OBJECT = 123;
var CLOSE_OBJECT = 125;
function isDeeper(bytes2, from, to, depthMax) {
  let brackets = 0;
  for (let i = from; i < to; i++) if ((bytes2[i] | 32) === OPEN_OBJECT) brackets++;
  return brackets > depthMax && depthOf(bytes2, from, to) > depthMax;
}
function depthOf(bytes2, from, to) {
  let deepest = 0;
  let depth = 0;
  let inString = false;
  for (let i = from; i < to; i++) {
    const byte = bytes2[i];
    if (byte === QUOTE) inString = !inString;
    else if (inString) {
      if (byte === BACKSLASH) i++;
    } else if ((byte | 32) === OPEN_OBJECT) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if ((byte | 32) === CLOSE_OBJECT) depth--;
  }
  return deepest;
}
var ESCAPED_LETTER = /\\u00(?:5[fF]|6[fF]|7[024])/;
function mayHoldProto(text2) {
  return text2.includes("__proto__") || text2.includes("\\u00") && ESCAPED_LETTER.test(text2);
}
function holdsProto(value) {
  const open3 = [value];
  while (open3.length > 0) {
    const next = open3.pop();
    if (typeof next !== "object" || next === null) continue;
    if (Array.isArray(next)) for (const element of next) open3.push(element);
    else {
      if (Object.hasOwn(next, "__proto__")) return true;
      for (const element of Object.values(next)) open3.push(element);
    }
  }
  return false;
}

// lib/codecs/record-pack.ts
init_base();
import { isAscii, isUtf8 } from "node:buffer";

// lib/codecs/rejections.ts
init_base();
init_ports();
var reject = {
  oversize: (bytes2, bytesMax) => new RecordRejection(
    "oversize",
    `A record has at most ${bytesMax} bytes; this one has ${bytes2}. Raise recordBytesMax of its source if it should pass.`
  ),
  emptyJson: () => new RecordRejection("bad-json", "A record is one JSON value; this one is empty."),
  badJson: (bytes2) => new RecordRejection("bad-json", `A record is one JSON value; the ${bytes2} bytes of this one are not.`),
  badUtf8: (bytes2) => new RecordRejection("bad-utf8", `A record is text in UTF-8; the ${bytes2} bytes of this one are not.`),
  deepNesting: () => new RecordRejection("deep-nesting", `JSON nests at most ${JSON_DEPTH_MAX} deep; this record goes deeper.`),
  forbiddenKey: () => new RecordRejection("forbidden-key", 'No object of a record has the key "__proto__"; one of this record has.'),
  /** What a batch says of a record that it cannot write. */
  defect: (defect) => {
    switch (defect) {
      case Defect.tombstone:
        return new RecordRejection("tombstone", "A record has a value; this one has none (a Kafka tombstone).");
      case Defect.badBase64:
        return new RecordRejection("bad-base64", "A record's data is padded base64; this one's is not.");
      case Defect.badAggregate:
        return new RecordRejection(
          "bad-aggregate",
          "A KPL aggregate has a right checksum and one whole user record or more; this one has not."
        );
      case Defect.manyRecords:
        return new RecordRejection(
          "oversize-aggregate",
          `A KPL aggregate holds at most ${UNIT_RECORDS_MAX} user records; this one holds more. Lower AggregationMaxCount of its producer.`
        );
      case Defect.notText:
        return new RecordRejection("bad-utf8", "A record is text in UTF-8; this one has half a surrogate pair.");
      default:
        throw new AssertionFault(`a batch writes bytes or a known defect, not ${defect}`);
    }
  }
};

// lib/codecs/record-pack.ts
var OPEN_ARRAY = 91;
var CLOSE_ARRAY = 93;
var OPEN_OBJECT2 = 123;
var RecordPack = class {
  count = 0;
  /** Whether commas part the records, or words. */
  hasCommas = true;
  /** Of each record in the pack: its place in `out`. */
  places = new Int32Array(DECODE_RECORDS);
  starts = new Int32Array(DECODE_RECORDS);
  ends = new Int32Array(DECODE_RECORDS);
  recordBytesMax;
  buffer = Buffer.allocUnsafeSlow(DECODE_BYTES);
  triesCommas = true;
  constructor(recordBytesMax) {
    this.recordBytesMax = recordBytesMax;
  }
  /**
   * Packs what fits of the records from `index` to `to`; rejects in `out` those that need no parser for it. The place of a record in
   * `out` is its distance from the record `first`. Returns the index to go on with.
   */
  fill(batch, index, to, first2, out) {
    this.hasCommas = this.triesCommas;
    const next = this.write(batch, index, to, first2, out);
    this.triesCommas = this.allowsCommas();
    if (this.triesCommas || !this.hasCommas) return next;
    this.hasCommas = false;
    return this.write(batch, index, to, first2, out);
  }
  bytes(k) {
    return this.ends[k] - this.starts[k];
  }
  /** One record's text, or undefined where its bytes are not UTF-8. */
  text(k) {
    return this.slice(this.starts[k], this.ends[k]);
  }
  /**
   * The records `lo` to `hi` as the text of an array, or undefined where some are not UTF-8: a separator ends what is unfinished. Runs are
   * asked for from the whole to its parts.
   */
  arrayText(lo, hi) {
    const from = this.starts[lo] - 1;
    const to = this.ends[hi - 1];
    this.buffer[from] = OPEN_ARRAY;
    this.buffer[to] = CLOSE_ARRAY;
    return this.slice(from, to + 1);
  }
  write(batch, from, to, first2, out) {
    const separator = this.hasCommas ? COMMA_SEPARATOR : WORD_SEPARATOR;
    let count2 = 0;
    let at = 0;
    let index = from;
    for (; index < to && count2 < DECODE_RECORDS; index++) {
      const bound2 = batch.sizeBound(index);
      if (bound2 > this.recordBytesMax) {
        out[index - first2] = reject.oversize(bound2, this.recordBytesMax);
        continue;
      }
      const need = at + separator.length + bound2 + 1;
      if (need > DECODE_BYTES && count2 > 0) break;
      if (need > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(need);
      const start = at + separator.length;
      const written = batch.write(index, this.buffer, start);
      if (written <= 0) {
        out[index - first2] = written === 0 ? reject.emptyJson() : reject.defect(written);
        continue;
      }
      const end2 = start + written;
      if (written > 2 * JSON_DEPTH_MAX && isDeeper(this.buffer, start, end2, JSON_DEPTH_MAX)) {
        out[index - first2] = reject.deepNesting();
        continue;
      }
      if (this.hasCommas) {
        this.buffer[at] = separator[0];
        this.buffer[at + 1] = separator[1];
      } else this.buffer.set(separator, at);
      this.starts[count2] = start;
      this.ends[count2] = end2;
      this.places[count2] = index - first2;
      count2++;
      at = end2;
    }
    this.count = count2;
    return index;
  }
  allowsCommas() {
    if (this.count === 0) return this.triesCommas;
    for (let k = 0; k < this.count; k++) if (this.buffer[this.starts[k]] !== OPEN_OBJECT2) return false;
    return !this.buffer.subarray(0, this.ends[this.count - 1]).includes(OPEN_ARRAY);
  }
  slice(from, to) {
    const bytes2 = this.buffer.subarray(from, to);
    if (isAscii(bytes2)) return this.buffer.toString("latin1", from, to);
    return isUtf8(bytes2) ? this.buffer.toString("utf8", from, to) : void 0;
  }
};

// lib/codecs/json.ts
var PARTS = 8;
var JsonDecoder = class {
  pack;
  constructor(recordBytesMax) {
    this.pack = new RecordPack(recordBytesMax);
  }
  /** Fills `out[0]` to `out[to - from - 1]` with the values of the records, or with why there is none. */
  decode(batch, from, to, out) {
    for (let index = from; index < to; ) {
      index = this.pack.fill(batch, index, to, from, out);
      this.parse(0, this.pack.count, out);
    }
  }
  parse(lo, hi, out) {
    if (hi - lo > 1) {
      if (this.parseArray(lo, hi, out)) return;
      const part3 = Math.ceil((hi - lo) / PARTS);
      for (let at = lo; at < hi; at += part3) this.parse(at, Math.min(at + part3, hi), out);
    } else if (hi > lo) out[this.pack.places[lo]] = this.parseOne(lo);
  }
  /** False, with `out` as it was, where there is any doubt of any record. */
  parseArray(lo, hi, out) {
    const { hasCommas, places } = this.pack;
    const text2 = this.pack.arrayText(lo, hi);
    if (text2 === void 0) return false;
    let values;
    try {
      values = JSON.parse(text2);
    } catch {
      return false;
    }
    const step = hasCommas ? 1 : 2;
    const last2 = step * (hi - lo - 1);
    if (values.length !== last2 + 1) return false;
    if (!hasCommas) {
      for (let i = 1; i < last2; i += 2) if (values[i] !== WORD) return false;
    }
    const isSuspect = mayHoldProto(text2);
    for (let i = 0, k = lo; k < hi; i += step, k++) {
      const value = values[i];
      out[places[k]] = isSuspect && holdsProto(value) ? reject.forbiddenKey() : value;
    }
    return true;
  }
  parseOne(k) {
    const text2 = this.pack.text(k);
    if (text2 === void 0) return reject.badUtf8(this.pack.bytes(k));
    try {
      const value = JSON.parse(text2);
      return mayHoldProto(text2) && holdsProto(value) ? reject.forbiddenKey() : value;
    } catch (error) {
      return error instanceof RangeError ? reject.deepNesting() : reject.badJson(this.pack.bytes(k));
    }
  }
};

// lib/runtime/ingest.ts
init_base();

// lib/runtime/drift.ts
init_base();
async function markLimit(host, stage, input, split, first2, last2) {
  const limit = host.services.clock.now() + input.source.maxFutureDriftMs;
  const verdict = await host.services.store.update({
    key: splitKey(host.prefix, stage.index, split.name),
    set: { limit, limitTo: last2, limitSeal: sealOf(split.name, limit, last2) },
    when: [
      ...asRead(split),
      // guard: limit-as-read
      { attribute: "limitTo", is: "below", value: first2 }
      // guard: limit-first
    ]
  });
  const item = verdict.item;
  if (item === void 0) throw new RetryableError("lost-split", `The item of the split ${split.name} is gone.`);
  const stands = readSplit(item, stage.operators.length);
  if (stands.gate === split.gate && stands.stopped === "" && stands.next === "") return stands;
  throw new RetryableError("gate-moved", `The split ${split.name} changed during an attempt. The batch comes again.`);
}

// lib/runtime/log-faults.ts
init_base();
async function stopFaulty(host, stage, input, splits, listed) {
  const inspector = host.services.inspector(input.name);
  if (inspector?.verify === void 0) return /* @__PURE__ */ new Set();
  const byName = new Map(listed.map((listing) => [splitName(input.name, listing.split), listing]));
  const asked = /* @__PURE__ */ new Map();
  for (const split of splits) {
    const listing = byName.get(originName(input, split));
    if (listing === void 0 || split.next !== "" || split.stopped !== "") continue;
    if (split.status === "ended" && listing.closed) continue;
    const origin = listing.split;
    if (split.position !== START) asked.set(origin, split);
  }
  const faulty = /* @__PURE__ */ new Set();
  if (asked.size === 0) return faulty;
  const positions = new Map([...asked].map(([origin, { position }]) => [origin, position]));
  const { store, clock, logger, metrics } = host.services;
  for (const { split: origin, kind, detail: detail2, retentionMs } of await inspector.verify(positions)) {
    const split = asked.get(origin);
    if (kind === "trimmed" && split.position === split.accepted) continue;
    if (kind === "trimmed" && retentionMs !== void 0 && ageMs(clock.now(), split.empty) < Math.min(EMPTY_PROOF_MS, retentionMs / 2))
      continue;
    const verdict = await store.update({
      key: splitKey(host.prefix, stage.index, split.name),
      set: { ...change(split, {}), stopped: `${kind}: ${detail2}`, stoppedAt: clock.now() },
      when: asRead(split)
      // guard: stop-as-read
    });
    faulty.add(split.name);
    if (!verdict.applied) continue;
    metrics.add("StoppedSplits", 1, "Count");
    logger.error("a split stops: its log does not go on after its position", { split: split.name, kind, detail: detail2 });
  }
  return faulty;
}
function originName(input, { name, origin }) {
  return origin === "" ? name : `${input.name}/${origin}`;
}
function stoppedError(pipeline2, split) {
  return new StopError(
    "split-stopped",
    `The split ${split.name} of "${pipeline2}" has stopped at position ${split.position}: ${split.stopped} Its records are not taken until "millrace splits reset" says how it goes on.`
  );
}
async function resetSplit(store, prefix, stage, split, now, isForced = false) {
  const key = splitKey(prefix, stage, split.name);
  const stoppedMs = ageMs(now, split.stoppedAt);
  if (!isForced && stoppedMs < RESET_MS)
    throw new StopError(
      "too-soon",
      `The split ${split.name} has stopped only a moment ago, and an attempt may be under way still. Wait ${Math.ceil((RESET_MS - stoppedMs) / 1e3)} s, or give --now if nothing runs.`
    );
  const when = [
    ...asRead(split),
    // guard: reset-as-read
    { attribute: "stopped", is: "equal", value: split.stopped }
    // guard: reset-what-stopped
  ];
  if (!split.stopped.startsWith("beyond-end")) {
    const set2 = { accepted: split.position, at: now };
    const verdict2 = await store.update({ key, set: set2, remove: ["stopped"], when });
    return verdict2.applied ? split.name : void 0;
  }
  const cut = split.name.indexOf("/");
  const input = split.name.slice(0, cut);
  const origin = split.origin || split.name.slice(cut + 1);
  const generation = split.generation + 1;
  const next = `${origin}@${generation}`;
  const successor = splitKey(prefix, stage, splitName(input, next));
  const set = { ...change(split, { status: "ended", next }), at: now };
  const verdict = await store.update({ key, set, remove: ["stopped"], when });
  if (!verdict.applied) return void 0;
  await store.insert([{ ...successor, ...freshSuccessor(successor.sk.slice(2), origin, generation, now) }]);
  return successor.sk.slice(2);
}
async function findSplit(store, prefix, stage, name, operators) {
  const [item] = await store.get([splitKey(prefix, stage, name)]);
  return item === void 0 ? void 0 : readSplit(item, operators);
}

// lib/runtime/membership.ts
init_base();
async function begin(host, stage, input, split) {
  const { store, clock } = host.services;
  let id = split;
  for (let turn = 0; turn < CONTENTION_TURNS_MAX; turn++) {
    const key = splitKey(host.prefix, stage.index, splitName(input.name, id));
    const [item, watermark] = await store.get([key, watermarkKey(host.prefix, stage.index)]);
    if (item === void 0) {
      if (id === split) await registerSplit(host, stage, input, split);
      else {
        const { origin, generation } = successorOf(id);
        await store.insert([{ ...key, ...freshSuccessor(key.sk.slice(2), origin, generation, clock.now()) }]);
      }
      continue;
    }
    const seen = readSplit(item, stage.operators.length);
    if (seen.next !== "") {
      id = seen.next;
      continue;
    }
    if (seen.stopped !== "") return { kind: "stopped", split: seen };
    const unchanged = [
      { attribute: "status", is: "equal", value: seen.status },
      // guard: member-status-as-read
      { attribute: "epoch", is: "equal", value: seen.epoch }
      // guard: member-epoch-as-read
    ];
    switch (seen.status) {
      case "member":
        return { kind: "member", id, split: seen, watermark };
      case "ended":
        return { kind: "ended", split: seen };
      case "out":
        await store.update({ key, set: { ...change(seen, { status: "joining" }), at: clock.now() }, when: unchanged });
        break;
      case "parting":
        await store.update({ key, set: { ...change(seen, { status: seen.was }), at: clock.now() }, when: unchanged });
        break;
      case "joining": {
        const own = await lineage(host, stage, input, seen);
        if (own === void 0) return { kind: "wait" };
        const [now] = await store.get([watermarkKey(host.prefix, stage.index)]);
        const gate = Math.max(seen.gate, readWatermark(now).proposed);
        const set = { ...change(seen, { status: "member", gate }), ...startAt(seen, own), at: clock.now() };
        await store.update({ key, set, when: unchanged });
        break;
      }
    }
  }
  throw new RetryableError(
    "contention",
    `The split ${splitName(input.name, id)} changed its membership ${CONTENTION_TURNS_MAX} times in one attempt.`
  );
}
function startAt(seen, own) {
  if (own === seen.own) return {};
  const progress = { position: seen.position, own, top: Math.max(seen.top, own) };
  return { own, top: progress.top, progressSeal: progressSeal(seen.name, progress, ...seen.written) };
}
async function lineage(host, stage, input, split) {
  return split.own === TIME_MIN && split.parents.length > 0 ? await parentsEnd(host, stage, input, split) : split.own;
}
async function parentsEnd(host, stage, input, child) {
  let lowest;
  for (const parent of child.parents) {
    let id = parent;
    await end(host, stage, input, id, void 0, parent);
    let [item] = await host.services.store.get([splitKey(host.prefix, stage.index, splitName(input.name, id))]);
    for (let turn = 0; turn < CONTENTION_TURNS_MAX && item !== void 0 && typeof item.next === "string"; turn++) {
      id = item.next;
      await end(host, stage, input, id, void 0, parent);
      [item] = await host.services.store.get([splitKey(host.prefix, stage.index, splitName(input.name, id))]);
    }
    if (item === void 0) {
      const listed = await host.services.inspector(input.name)?.list();
      if (listed?.some((listing) => listing.split === parent)) return void 0;
      continue;
    }
    const split = readSplit(item, stage.operators.length);
    if (split.status !== "ended") return void 0;
    lowest = Math.min(lowest ?? split.own, split.own);
  }
  return lowest ?? child.own;
}
async function end(host, stage, input, split, known2, origin = split) {
  const inspector = host.services.inspector(input.name);
  if (inspector === void 0) return false;
  const { store, clock } = host.services;
  const key = splitKey(host.prefix, stage.index, splitName(input.name, split));
  const [item] = await store.get([key]);
  if (item === void 0) return false;
  const seen = readSplit(item, stage.operators.length);
  if (seen.status === "ended") return true;
  if (seen.stopped !== "") return false;
  const listed = known2 ?? await inspector.list();
  const listing = listed.find((candidate) => candidate.split === origin);
  if (listing === void 0) {
    if (!await isGone(host, key, item, listed)) return false;
  } else if (!listing.closed || await inspector.peek(origin, seen.position) !== "nothing")
    return false;
  else if ((await stopFaulty(host, stage, input, [seen], [listing])).size > 0) return false;
  const own = await lineage(host, stage, input, seen);
  if (own === void 0) return false;
  await registerListed(
    host,
    stage,
    input,
    listed.filter((candidate) => candidate.parents?.includes(split))
  );
  const verdict = await store.update({
    key,
    set: { ...change(seen, { status: "ended" }), ...startAt(seen, own), at: clock.now() },
    when: asRead(seen)
    // guard: end-as-read
  });
  const watermark = watermarkKey(host.prefix, stage.index);
  if (verdict.applied)
    await store.update({
      key: watermark,
      set: { holder: "" },
      when: [{ attribute: "holder", is: "equal", value: seen.name }]
      // guard: holder-as-read
    });
  return verdict.applied;
}
async function isGone(host, key, item, listed) {
  const { store, clock, logger } = host.services;
  if (item.listed !== true || listed.length === 0) return false;
  const missing = item.missing;
  if (missing === void 0 || ageMs(clock.now(), missing) > 3 * MISSING_MS) {
    await store.update({
      key,
      set: { missing: clock.now() },
      when: [{ attribute: "epoch", is: "equal", value: item.epoch }]
      // guard: missing-as-read
    });
    return false;
  }
  if (ageMs(clock.now(), missing) < MISSING_MS) return false;
  logger.error("a registered split is no longer listed: it ends here", { split: key.sk, position: item.position });
  return true;
}
async function isBack(host, stage, split) {
  if (!split.missing) return;
  const key = splitKey(host.prefix, stage.index, split.name);
  await host.services.store.update({ key, set: {}, remove: ["missing"], when: asRead(split) });
}
async function isLost(host, stage, input, split, origin) {
  return (await stopFaulty(host, stage, input, [split], [{ split: origin, closed: false }])).size > 0;
}
async function stillEmpty(host, stage, input, split, origin) {
  const { store, clock } = host.services;
  const inspector = host.services.inspector(input.name);
  const asked = clock.now();
  if (inspector === void 0 || Math.min(ageMs(asked, split.at), ageMs(asked, split.empty)) < EMPTY_LOOK_MS) return;
  if (await inspector.peek(origin, split.position) !== "nothing") return;
  if (await isLost(host, stage, input, split, origin)) return;
  await store.update({
    key: splitKey(host.prefix, stage.index, split.name),
    set: { empty: asked },
    when: asRead(split)
    // guard: empty-as-read
  });
}
async function part2(host, stage, input, split, quietMs, origin = split) {
  const inspector = host.services.inspector(input.name);
  if (inspector === void 0) return false;
  const { store, clock } = host.services;
  const key = splitKey(host.prefix, stage.index, splitName(input.name, split));
  const [item] = await store.get([key]);
  if (item === void 0) return false;
  const seen = readSplit(item, stage.operators.length);
  if (seen.status === "out" || seen.status === "ended" || ageMs(clock.now(), seen.at) < quietMs) return false;
  if (seen.stopped !== "") return false;
  if (await inspector.peek(origin, seen.position) !== "nothing") return false;
  const was = seen.status === "parting" ? seen.was : seen.status;
  const epoch = seen.epoch + 1;
  const marked2 = await store.update({
    key,
    set: change(seen, { status: "parting", was, epoch }),
    when: asRead(seen)
    // guard: parting-as-read
  });
  if (!marked2.applied) return false;
  const asked = clock.now();
  const nothing = await inspector.peek(origin, seen.position) === "nothing";
  if (nothing && await isLost(host, stage, input, { ...seen, status: "parting", was, epoch }, origin)) return false;
  const verdict = await store.update({
    key,
    set: {
      ...change(seen, { status: nothing ? "out" : was, was, epoch: epoch + 1 }),
      ...nothing && { empty: asked }
    },
    when: [
      { attribute: "status", is: "equal", value: "parting" },
      // guard: out-of-parting
      { attribute: "epoch", is: "equal", value: epoch }
      // guard: out-of-this-mark
    ]
  });
  return nothing && verdict.applied;
}

// lib/runtime/source-chunk.ts
init_base();
import { isUtf8 as isUtf82 } from "node:buffer";

// lib/runtime/record.ts
init_base();
var RecordAt = class {
  index = 0;
  timestamp = 0;
  turn = 0;
  source;
  splitId;
  /** With its source: two sources may have splits of one id, and ties need an order (law 13). */
  split;
  meta;
  batch;
  constructor(source2, splitId, batch) {
    this.source = source2;
    this.splitId = splitId;
    this.split = `${source2}/${splitId}`;
    this.batch = batch;
    this.meta = new MetaAt(this, batch);
  }
  get position() {
    return this.batch.position(this.index);
  }
  get id() {
    return `${this.split}/${this.position}`;
  }
};
var MetaAt = class {
  at;
  batch;
  constructor(at, batch) {
    this.at = at;
    this.batch = batch;
  }
  get source() {
    return this.at.source;
  }
  get split() {
    return this.at.splitId;
  }
  get position() {
    return this.at.position;
  }
  get arrivalMs() {
    return this.batch.arrivalMs(this.at.index);
  }
  get stampMs() {
    const { index } = this.at;
    return this.batch.stampMs === void 0 ? this.batch.arrivalMs(index) : this.batch.stampMs(index);
  }
  get key() {
    return this.batch.key(this.at.index);
  }
  header(name) {
    return this.batch.header(this.at.index, name);
  }
};
function validate(source2, value) {
  if (source2.schema === void 0) return value;
  const result = source2.schema["~standard"].validate(value);
  if (result instanceof Promise) {
    result.catch(() => void 0);
    throw new ConfigError(
      "async-schema",
      `The schema of the source "${source2.name}" validates asynchronously; ingest has no await in its loop. Use a synchronous schema.`
    );
  }
  if (result.issues === void 0) return result.value;
  const issue = result.issues[0];
  const path = issue?.path?.map((part3) => String(typeof part3 === "object" ? part3.key : part3)).join(".");
  throw new RecordRejection("schema", `${path ? `${path}: ` : ""}${issue?.message ?? "invalid"}`);
}
var ClockWanted = class extends Error {
};
function timestampOf(source2, value, at, top, mark) {
  let time;
  try {
    time = source2.timestamp(value, at.meta);
  } catch (thrown) {
    throw new RecordRejection("bad-timestamp", messageOf(thrown));
  }
  const ms = time instanceof Date ? time.getTime() : time;
  if (typeof ms !== "number" || !(Math.abs(ms) < EVENT_TIME_MAX)) {
    throw new RecordRejection(
      "bad-timestamp",
      `timestamp() gives ms since the epoch or a valid Date; it gave ${typeof ms === "number" ? ms : time === null ? "null" : typeof time}. Text goes through iso() or isoUtc().`
    );
  }
  const timestamp = Math.floor(ms);
  const { maxFutureDriftMs } = source2;
  const arrivalMs = source2.hasArrivalTime ? at.meta.arrivalMs : void 0;
  const follows = (arrivalMs ?? top) + maxFutureDriftMs;
  if (timestamp <= follows || maxFutureDriftMs >= TIME_MAX) return timestamp;
  if (arrivalMs === void 0) {
    if (at.position > mark.limitTo) throw new ClockWanted();
    if (timestamp <= mark.limit) return timestamp;
  }
  if (source2.onFutureDrift === "clamp") return arrivalMs === void 0 && top <= -TIME_MAX ? mark.limit : follows;
  throw new RecordRejection(
    "future-timestamp",
    `The timestamp lies more than maxFutureDrift (${formatDuration(maxFutureDriftMs)}) ahead of ${arrivalMs === void 0 ? "the clock" : "the record's arrival"}.`
  );
}
function advanceOwn(source2, own, value, timestamp) {
  const { watermark } = source2;
  const next = watermark.kind === "custom" ? watermark.of(value, timestamp) : timestamp - watermark.boundMs;
  return next > own && next < TIME_MAX ? Math.floor(next) : own;
}

// lib/runtime/source-chunk.ts
function foldChunk(request) {
  for (; ; ) {
    const tried = tryFold(request);
    if ("fold" in tried) return tried;
    if (tried.unit > request.from) return foldChunk({ ...request, to: tried.unit });
    request.spoilt.add(tried.position);
  }
}
function tryFold(request) {
  const { batch, source: source2, program, split, from, to, spoilt } = request;
  const fold2 = request.fresh();
  const at = new RecordAt(source2.name, request.splitId, batch);
  const values = [];
  let { own, top } = split;
  let next = from;
  const ended = (end2, wantsClock = false) => ({
    fold: fold2,
    next: end2,
    to: end2 === from ? split.position : batch.position(end2 - 1),
    own,
    top,
    wantsClock
  });
  const skipped = split.skip !== "" && split.skip === split.position ? batch.unitEnd(from) : from;
  if (skipped > from) {
    at.index = skipped - 1;
    fold2.reject(at.id, skippedUnit(batch, at, skipped - from), skipped - from);
    next = skipped;
  }
  for (let start = skipped; start < to; start += DECODE_RECORDS) {
    const stop = Math.min(to, start + DECODE_RECORDS);
    request.decoder.decode(batch, start, stop, values);
    for (let i = start; i < stop; i++) {
      at.index = i;
      fold2.next(batch.sizeBound(i));
      const value = values[i - start];
      try {
        if (value instanceof RecordRejection) {
          if (value.code === "tombstone") fold2.pass();
          else throw value;
        } else {
          if (spoilt.size > 0 && spoilt.has(at.position))
            throw new RecordRejection("step-threw", "A custom aggregate threw on this record.");
          const checked = validate(source2, value);
          const timestamp = timestampOf(source2, checked, at, top, split);
          const moved2 = advanceOwn(source2, own, checked, timestamp);
          const gated = Math.max(own, split.gate);
          at.timestamp = timestamp;
          at.turn = timestamp > gated ? timestamp : gated;
          fold2.accept(program.run(checked), gated, 1, at);
          own = moved2;
          if (timestamp > top) top = timestamp;
        }
      } catch (thrown) {
        if (thrown instanceof FragileFold) return { unit: next, position: at.position };
        if (thrown instanceof ConfigError) throw thrown;
        if (thrown instanceof ClockWanted) return ended(next, true);
        fold2.reject(at.id, rejection(batch, at, thrown, value));
      }
      if (batch.unitEnd(i) === i + 1) {
        next = i + 1;
        if (fold2.isFull(request.limits)) return ended(next);
        if (i % RECORDS_PER_LOOK === 0 && request.isDue()) return ended(next);
      }
    }
  }
  return ended(next);
}
function skippedUnit(batch, at, records) {
  return {
    reason: "skipped",
    detail: records === 1 ? "An operator had this record skipped." : `An operator had these ${records} records skipped.`,
    source: at.source,
    split: at.splitId,
    position: at.position,
    ...records > 1 && { records },
    payload: records > 1 && batch.unitRaw !== void 0 ? batch.unitRaw(at.index) : textOf2(batch, at.index)
  };
}
function rejection(batch, at, thrown, value) {
  const known2 = thrown instanceof RecordRejection;
  return {
    reason: known2 ? thrown.code : "step-threw",
    detail: messageOf(thrown),
    source: at.source,
    split: at.splitId,
    position: at.position,
    ...batch.unitRecords !== void 0 && known2 && manyRecords(batch, at.index),
    payload: value instanceof RecordRejection || !storable(value) ? textOf2(batch, at.index) : value
  };
}
function manyRecords(batch, index) {
  const records = batch.unitRecords(index);
  return records > 1 ? { records } : void 0;
}
function textOf2(batch, index) {
  const bytes2 = Buffer.alloc(batch.sizeBound(index));
  const written = batch.write(index, bytes2, 0);
  return written >= 0 && isUtf82(bytes2.subarray(0, written)) ? bytes2.toString("utf8", 0, written) : batch.raw(index);
}
function storable(value) {
  try {
    return JSON.stringify(value) !== void 0;
  } catch {
    return false;
  }
}

// lib/runtime/ingest.ts
var UNANSWERED = "records between these positions may have been deleted unread: their source does not say whether its log goes on";
async function ingest(host, batch, decoder, deadline, progress) {
  const { stage, input } = host.stageOf(batch.source);
  const source2 = input;
  const { metrics, clock, logger } = host.services;
  const beginning = await begin(host, stage, source2, batch.split);
  if (beginning.kind === "wait") return { undone: 0, because: "waits-for-parents" };
  if (beginning.kind === "stopped") throw stoppedError(host.plan.pipeline.name, beginning.split);
  if (beginning.kind === "ended") {
    if (afterPosition(batch, 0, beginning.split) === batch.count) {
      await checkLog(host, stage, source2, batch, beginning.split);
      return { undone: void 0 };
    }
    throw new StopError(
      "split-ended",
      `The split ${beginning.split.name} has ended, but its source delivers records after its position ${beginning.split.position}. Its source listed it as closed or gone; look there, and open a new run if it is not.`
    );
  }
  await markStage(host, stage, beginning.watermark);
  let { split } = beginning;
  await checkLog(host, stage, source2, batch, split);
  const careful2 = split.at > TIME_MIN && ageMs(clock.now(), split.at) > CAREFUL_TIMEOUTS * host.services.timeoutMs;
  if (careful2)
    logger.warn("careful: chunks of 1, 2, 4 records, since the last checkpoint is old", {
      split: split.name,
      position: split.position
    });
  let size = careful2 ? 1 : host.limits.chunkRecords;
  let next = afterPosition(batch, 0, split);
  let repeats = next;
  progress.undone = next;
  let turns = 0;
  while (next < batch.count) {
    if (deadline.remainingMs() < DEADLINE_RESERVE_MS) return { undone: next, because: "deadline" };
    const until = deadline.remainingMs() * (1 - CHUNK_TIME_SHARE);
    const isDue = () => deadline.remainingMs() < until;
    const end2 = wholeUnits(batch, next, size);
    const chunk = fold(host, stage, source2, batch, split, beginning.id, decoder, next, end2, isDue);
    if (chunk.next === next) {
      if (++turns > CONTENTION_TURNS_MAX)
        throw new RetryableError(
          "contention",
          `The split ${split.name} changed ${turns} times while a clock was asked.`
        );
      split = await markLimit(host, stage, source2, split, batch.position(next), batch.position(batch.count - 1));
      next = afterPosition(batch, next, split);
      continue;
    }
    await writeSplitRows(host, split.name, split.position, chunk.to, chunk.fold.sinkRows);
    const reached = await writeSegments(
      host,
      stage,
      split.name,
      split.position,
      chunk.to,
      split.tails,
      chunk.fold,
      chunk.again
    );
    chunk.fold.counters.repeats = repeats;
    const arrived = stampOf(batch, chunk.next - 1);
    const done = await checkpoint(host, stage, split, {
      ...chunk,
      counters: chunk.fold.counters,
      tails: reached,
      arrived
    });
    if (done.moved) report(host, stage, chunk);
    split = done.split;
    next = afterPosition(batch, chunk.next, split);
    repeats = next - chunk.next;
    progress.undone = next;
    size = Math.min(size * 2, host.limits.chunkRecords);
  }
  if (repeats > 0) metrics.add("Repeats", repeats, "Count");
  if (effective(split) > TIME_MIN)
    metrics.peak("WatermarkLagMs", Math.max(0, clock.now() - effective(split)), "Milliseconds");
  if (mayMove(host, stage, readWatermark(beginning.watermark), split, split.own))
    await advanceStage(host, stage, deadline);
  return { undone: void 0 };
}
async function checkLog(host, stage, input, batch, split) {
  const now = host.services.clock.now();
  const next = afterPosition(batch, 0, split);
  const isRepeat = next === batch.count;
  if (!isRepeat) {
    const isQuiet = split.at > TIME_MIN && ageMs(now, split.at) > QUIET_MS;
    const isGap = split.position !== START && batch.follows?.(next, split.position) === false;
    const isLagging = split.arrived > TIME_MIN && ageMs(now, split.arrived) > LAG_MS;
    const isOld = split.position !== START && (isLagging || ageMs(now, stampOf(batch, next) ?? now) > LAG_MS);
    if (!isQuiet && !isGap && !isOld) return;
  }
  const listed = [{ split: batch.split, closed: false }];
  let faulty;
  try {
    faulty = await stopFaulty(host, stage, input, [split], listed);
  } catch (error) {
    if (isRepeat) throw error;
    host.services.metrics.add("UnansweredSources", 1, "Count");
    host.services.logger.error(UNANSWERED, {
      split: split.name,
      position: split.position,
      next: batch.position(next),
      error: messageOf(error)
    });
    return;
  }
  if (!faulty.has(split.name)) return;
  const stands = await findSplit(host.services.store, host.prefix, stage.index, split.name, stage.operators.length);
  if (stands !== void 0 && stands.stopped !== "") throw stoppedError(host.plan.pipeline.name, stands);
  throw new RetryableError(
    "contention",
    `The split ${split.name} changed while its source was asked whether its log goes on. The batch comes again.`
  );
}
function stampOf(batch, index) {
  return batch.stampMs === void 0 ? batch.arrivalMs(index) : batch.stampMs(index);
}
function afterPosition(batch, from, split) {
  let next = from;
  while (next < batch.count && batch.position(next) <= split.position) next++;
  return next;
}
function wholeUnits(batch, from, size) {
  return batch.unitEnd(Math.min(batch.count, from + size) - 1);
}
function fold(host, stage, input, batch, split, splitId, decoder, from, to, isDue) {
  const program = host.program(input.node);
  const spoilt = /* @__PURE__ */ new Set();
  const run2 = (end2, due, keep3) => foldChunk({
    batch,
    program,
    decoder,
    split,
    from,
    to: end2,
    spoilt,
    source: input.source,
    splitId,
    limits: host.limits,
    isDue: due,
    fresh: () => new StageFold(stage, host.plan.pipeline.deadLetter, keep3)
  });
  const chunk = run2(to, isDue);
  const rejected2 = spoilt.size;
  const again = (keep3) => {
    const anew = run2(chunk.next, () => false, keep3);
    if (anew.next === chunk.next && spoilt.size === rejected2) return anew.fold;
    throw new StopError(
      "unsteady-fold",
      `A custom aggregate of "${host.plan.pipeline.name}" throws on a record of ${split.name} or not, as its accumulator stands. Whether add() throws must hang on the record alone.`
    );
  };
  return { ...chunk, again };
}
function report(host, stage, chunk) {
  const { metrics } = host.services;
  const { counters } = chunk.fold;
  metrics.add("Records", counters.in, "Count");
  metrics.add("Rejected", counters.rejected, "Count");
  metrics.add("Filtered", counters.filtered, "Count");
  metrics.add("Repeats", counters.repeats, "Count");
  for (const [i] of stage.operators.entries()) {
    metrics.add("Late", counters.operators[i].late, "Count");
    metrics.add("Expired", counters.operators[i].expired, "Count");
  }
}

// lib/handlers/ingest.ts
function ingest2(pipeline2, bindings) {
  const open3 = container(pipeline2, bindings);
  let decoding;
  return async (event, context) => {
    const opened = await open3();
    decoding ??= openDecoders(opened).catch((error) => {
      decoding = void 0;
      throw error;
    });
    const { decoders, records } = await decoding;
    return measured(opened, "ingest", async () => {
      await opened.host.ready();
      const claimants = decoders.filter((candidate) => candidate.matches(event));
      const [decoder] = claimants;
      if (decoder === void 0 || claimants.length > 1) throw unknownEvent(opened, event, claimants);
      const batches = decoder.decode(event, (origin) => sourceOf(opened, decoder.connector, origin));
      const undone = [];
      const deadline = deadlineOf(context, opened);
      let stopped;
      for (const batch of batches) {
        const outcome = await ingestOne(opened, batch, records, deadline);
        if (outcome instanceof MillraceError) stopped ??= outcome;
        else if (outcome !== void 0) undone.push({ batch, index: outcome });
      }
      if (stopped !== void 0) throw stopped;
      return answer(opened, decoder, undone);
    });
  };
}
async function openDecoders({ host }) {
  const byConnector = /* @__PURE__ */ new Map();
  const records = /* @__PURE__ */ new Map();
  for (const source2 of host.plan.sources) {
    if (!byConnector.has(source2.connector)) byConnector.set(source2.connector, await source2.open());
    records.set(source2.name, new JsonDecoder(source2.recordBytesMax));
  }
  return { decoders: [...byConnector.values()], records };
}
async function ingestOne({ host }, batch, records, deadline) {
  const { logger, metrics } = host.services;
  const progress = { undone: 0 };
  const where = { source: batch.source, split: batch.split };
  try {
    const outcome = await ingest(host, batch, records.get(batch.source), deadline, progress);
    if (outcome.undone === void 0) return void 0;
    logger.warn("a batch is to come again", {
      ...where,
      because: outcome.because,
      from: outcome.undone,
      of: batch.count
    });
    return outcome.undone;
  } catch (error) {
    if (error instanceof MillraceError && !(error instanceof RetryableError)) return error;
    metrics.add("Retries", 1, "Count");
    logger.error("a batch failed and is to come again", {
      ...where,
      error: messageOf(error),
      code: error instanceof MillraceError ? error.code : "unexpected",
      from: progress.undone,
      of: batch.count
    });
    return progress.undone < batch.count ? progress.undone : void 0;
  }
}
function answer({ bindings }, decoder, undone) {
  if (undone.length > 0 && decoder.connector === "kafka" && bindings.kafkaPartialAnswers !== true) {
    const { batch, index } = undone[0];
    throw new RetryableError(
      "batch-undone",
      `${undone.length} partition${undone.length === 1 ? " is" : "s are"} not done, the first from ${batch.split} position ${batch.position(index)} on; this mapping takes no partial answers, so the batch comes again and what is done is skipped.`
    );
  }
  return decoder.partialAnswer(undone);
}
function sourceOf({ host, bindings }, connector, origin) {
  const { origins } = bindings;
  const name = bound(origins, `${connector}:${origin}`) ?? bound(origins, origin) ?? origin;
  const source2 = host.plan.sources.find((candidate) => candidate.name === name && candidate.connector === connector);
  if (source2 !== void 0) return source2.name;
  const known2 = host.plan.sources.filter((candidate) => candidate.connector === connector).map((candidate) => candidate.name);
  throw new EventShapeError(
    `Pipeline "${host.plan.pipeline.name}" has no ${connector} source "${name}"; it has ${known2.join(", ") || "none"}. Name the source so, or bind origins: { '${origin}': '...' }.`
  );
}
function unknownEvent({ host }, event, claimants) {
  const shape = claimants.length > 0 ? `of ${claimants.map((decoder) => decoder.connector).join(" and ")} at once` : event === null || typeof event !== "object" ? typeof event : `an object with ${Object.keys(event).slice(0, 5).join(", ") || "no fields"}`;
  const connectors = [...new Set(host.plan.sources.map((source2) => source2.connector))].join(", ");
  return new EventShapeError(
    `Pipeline "${host.plan.pipeline.name}" takes events of ${connectors}; this one is ${shape}. Check which mapping invokes this function.`
  );
}

// lib/runtime/tick.ts
init_base();

// lib/runtime/keeper.ts
init_base();
var RENEWED_PARTS = 8;
async function keepState(host, stage, watermark, deadline) {
  await markStage(host, stage, watermark);
  const marks = readMarks(watermark);
  for (const operator2 of stage.operators)
    for (let lane = 0; lane < operator2.lanes; lane++) {
      if (deadline.remainingMs() < DEADLINE_RESERVE_MS) return;
      await keepLane(host, operator2, lane, marks, deadline);
    }
}
async function keepLane(host, operator2, lane, marks, deadline) {
  const { clock, logger, metrics, store } = host.services;
  const { slices } = operator2;
  const groups = await readGroups(host, operator2, lane);
  let closed = TIME_MAX;
  let kept = Number.POSITIVE_INFINITY;
  for (const { item, at } of groups) {
    if (at === void 0) return;
    const { slice, hash } = at.place;
    closed = Math.min(closed, hash === void 0 ? slice : slice - slices.widthMs);
    kept = Math.min(kept, item?.kept ?? Number.NEGATIVE_INFINITY);
  }
  if (closed >= TIME_MAX) return;
  const now = clock.now();
  const until = aliveUntil(host, operator2, marks, closed, kept);
  const from = closed === TIME_MIN ? FIRST_SEGMENT : bucketFloor(slices.bucketEnd(slices.neededFrom(closed) + slices.widthMs));
  const pk = groupPk(host.prefix, operator2.name, lane);
  const lifeMs = segmentLifeMs(host, operator2);
  const spareMs = host.limits.spareLifeMs;
  const [oldest] = (await store.query({ pk, from, to: "g~", limit: 1 })).items;
  if (oldest !== void 0)
    metrics.peak("OldestUnreadAgeMs", Math.max(0, spareMs - (oldest.ttl * 1e3 - now)), "Milliseconds");
  if (until - now >= spareMs / 2) return;
  if (now > until) {
    if (oldest !== void 0 || marks.length > 0)
      logger.error("state waited longer than it lives: some may be gone", { operator: operator2.name, lane });
    return;
  }
  const isWhole = await prolong(host, { pk, from, to: "g~" }, now + lifeMs, spareMs / RENEWED_PARTS, deadline);
  if (!isWhole) return;
  for (const { key, item } of groups) {
    if (item === void 0) await store.insert([{ ...key, ...freshCursor() }]);
    const value = now + lifeMs - spareMs / RENEWED_PARTS;
    await store.update({ key, set: { kept: value }, when: [{ attribute: "kept", is: "below", value }] });
  }
}
async function readGroups(host, operator2, lane) {
  const keys = [];
  for (let keyGroup = 0; keyGroup < operator2.keyGroups; keyGroup++)
    if (laneOf(keyGroup, operator2) === lane) keys.push(groupKey(host.prefix, operator2.name, keyGroup));
  const groups = [];
  for (let from = 0; from < keys.length; from += STORE_GET_MAX) {
    const some = keys.slice(from, from + STORE_GET_MAX);
    for (const [i, item] of (await host.services.store.get(some)).entries()) {
      const key = some[i];
      let at = new GroupCursor(host, key);
      try {
        if (item !== void 0) at.read(item);
      } catch {
        at = void 0;
      }
      groups.push({ key, item, at });
    }
  }
  return groups;
}
async function prolong(host, range, untilMs, slackMs, deadline) {
  const { store, metrics } = host.services;
  const ttl = Math.floor(untilMs / 1e3);
  let left = KEPT_PER_TICK;
  let after;
  do {
    const page = await store.query({ ...range, ...after !== void 0 && { after } });
    const due = page.items.filter((item) => item.ttl < ttl - slackMs / 1e3);
    for (let at = 0; at < due.length; at += KEPT_AT_ONCE) {
      if (left <= 0 || deadline.remainingMs() < DEADLINE_RESERVE_MS) return false;
      const some = due.slice(at, at + KEPT_AT_ONCE).flatMap((item) => [...partKeys(item), { pk: item.pk, sk: item.sk }]);
      await Promise.all(some.map((key) => store.update({ key, set: { ttl }, when: [] })));
      metrics.add("KeptSegments", some.length, "Count");
      left -= some.length;
    }
    after = page.next;
  } while (after !== void 0);
  return true;
}

// lib/runtime/tick.ts
var TURN_MS = 6e4;
async function tick(host, deadline) {
  await host.ready();
  const failures = [];
  const attempt = async (work) => {
    if (deadline.remainingMs() >= DEADLINE_RESERVE_MS) await work().catch((error) => failures.push(error));
  };
  for (const stage of host.plan.stages) {
    for (const input of stage.inputs) {
      if (input.kind === "source") await attempt(() => settleMembers(host, stage, input, deadline));
    }
    if (stage.inputs.some((input) => input.kind === "source"))
      await attempt(async () => void failures.push(...await advanceStage(host, stage, deadline)));
    await attempt(async () => {
      const [watermark] = await host.services.store.get([watermarkKey(host.prefix, stage.index)]);
      await keepState(host, stage, watermark, deadline);
    });
  }
  if (failures.length > 0) throw failures[0];
}
async function keep2(host, deadline) {
  await host.ready();
  for (const stage of host.plan.stages) {
    const [watermark] = await host.services.store.get([watermarkKey(host.prefix, stage.index)]);
    await keepState(host, stage, watermark, deadline);
  }
}
async function settleMembers(host, stage, input, deadline) {
  const inspector = host.services.inspector(input.name);
  if (inspector === void 0) return;
  const listed = await inspector.list();
  const known2 = await listSplits(host, stage);
  if (known2.length === 0) await register(host, stage);
  else await registerListed(host, stage, input, listed, known2);
  await registerSuccessors(host, stage, input, known2);
  const faulty = await stopFaulty(host, stage, input, known2, listed);
  const mine = known2.filter((split) => split.name.startsWith(`${input.name}/`));
  const stopped = mine.filter((split) => split.stopped !== "" || faulty.has(split.name)).length;
  host.services.metrics.add("StoppedNow", stopped, "Count");
  const byName = new Map(listed.map((listing) => [splitName(input.name, listing.split), listing]));
  const going = mine.filter(({ name, status, stopped: stopped2 }) => status !== "ended" && stopped2 === "" && !faulty.has(name));
  const failures = [];
  const first2 = Math.floor(host.services.clock.now() / TURN_MS) % Math.max(1, going.length);
  const inTurn = [...going.slice(first2), ...going.slice(0, first2)];
  for (let at = 0; at < inTurn.length; at += SPLITS_AT_ONCE) {
    if (deadline.remainingMs() < DEADLINE_RESERVE_MS) break;
    const some = inTurn.slice(at, at + SPLITS_AT_ONCE);
    await Promise.all(
      some.map(
        (split) => settleSplit(host, stage, input, split, byName.get(originName(input, split)), listed).catch(
          (error) => failures.push(error)
        )
      )
    );
  }
  if (failures.length > 0) throw failures[0];
}
async function settleSplit(host, stage, input, split, listing, listed) {
  if (listing !== void 0) await isBack(host, stage, split);
  await setClock(host, stage, split);
  const origin = listing?.split ?? split.name.slice(input.name.length + 1);
  const id = split.origin === "" ? origin : split.name.slice(input.name.length + 1);
  if ((listing === void 0 || listing.closed) && await end(host, stage, input, id, listed, origin)) return;
  const quietMs = host.plan.pipeline.idleAfterMs;
  if (split.status !== "out" && ageMs(host.services.clock.now(), split.at) >= quietMs)
    await part2(host, stage, input, id, quietMs, origin);
  await stillEmpty(host, stage, input, split, origin);
}
async function setClock(host, stage, split) {
  const now = host.services.clock.now();
  if (ageMs(now, split.at) !== Number.POSITIVE_INFINITY) return;
  const key = splitKey(host.prefix, stage.index, split.name);
  await host.services.store.update({ key, set: { at: now }, when: asRead(split) });
}

// lib/handlers/tick.ts
function tick2(pipeline2, bindings) {
  const open3 = container(pipeline2, bindings);
  return async (event, context) => {
    const opened = await open3();
    return measured(opened, "tick", async () => {
      const isPaused = event?.only === "keep";
      await (isPaused ? keep2 : tick)(opened.host, deadlineOf(context, opened));
      return {};
    });
  };
}

// lib/testing/sim/process.ts
var Process = class {
  name;
  skewMs;
  /** Called once, when it dies. */
  onDeath = () => void 0;
  parked;
  dead = false;
  constructor(name, skewMs) {
    this.name = name;
    this.skewMs = { now: skewMs };
  }
  get isDead() {
    return this.dead;
  }
  kill() {
    if (this.dead) return;
    this.dead = true;
    this.parked = void 0;
    this.onDeath();
  }
};

// lib/testing/sim/lambda.ts
var HANDLERS = { ingest: ingest2, tick: tick2, advance: advance2 };
var SKEW_MS_MAX = 6e5;
var NOTICE_MS_MAX = 500;
var SLEEP_MS_MAX = 1e7;
var WARM_SHARE = 0.8;
var Lambda = class {
  timeoutMs;
  invocations = 0;
  /** Called with each error that stops something until a person acts. */
  onStop = () => void 0;
  /** Told where records may have been deleted unread, and nobody can say. */
  onDoubt = () => void 0;
  attempts = /* @__PURE__ */ new Map();
  idle = { ingest: [], tick: [], advance: [] };
  /** Given up, and alive: they wake some time. */
  zombies = /* @__PURE__ */ new Set();
  started = 0;
  ports;
  pipeline;
  other;
  checks;
  bindingsOf;
  isExpected;
  constructor(world) {
    this.ports = world.ports;
    this.pipeline = world.pipeline;
    this.other = {
      ...world.pipeline,
      keyGroups: world.pipeline.keyGroups + 1,
      minAdvanceMs: world.pipeline.minAdvanceMs + 1
    };
    this.checks = world.checks;
    this.timeoutMs = world.timeoutMs;
    this.bindingsOf = world.bindingsOf;
    this.isExpected = world.isExpected;
    world.ports.abandon = (process2) => this.abandon(process2);
  }
  /** Invokes a function. `subject` is what the invocation is about; a poller's batch has its poller. */
  invoke(name, event, settle, subject, isOther = false) {
    const { scheduler } = this.ports;
    const container2 = this.container(name, isOther);
    const { process: process2 } = container2;
    scheduler.wake(process2);
    this.invocations++;
    const deadlineMs = scheduler.now + this.timeoutMs;
    const deadline = scheduler.after(this.timeoutMs, `${process2.name} runs into its timeout`, () => process2.kill());
    const attempt = { container: container2, subject, deadline, settle };
    this.attempts.set(process2, attempt);
    process2.onDeath = () => this.died(attempt);
    const context = { getRemainingTimeInMillis: () => deadlineMs - scheduler.now };
    scheduler.running = process2;
    container2.handler(event, context).then(
      (answer2) => this.settled(name, attempt, { answer: answer2 }),
      (error) => {
        this.judge(error, isOther);
        this.settled(name, attempt, { failed: messageOf(error) });
      }
    );
  }
  /** Whether anybody is at work whom somebody waits for. */
  get isBusy() {
    return this.attempts.size > this.zombies.size;
  }
  /** Whether anybody is at work at all. */
  get isAlive() {
    return this.attempts.size > 0;
  }
  /** Every attempt at this, given up ones too, is killed: what an operator makes sure of before a hand is laid on a split. */
  killAll(isAbout) {
    for (const [process2, attempt] of this.attempts) if (isAbout(attempt.subject)) process2.kill();
  }
  /** Whoever sleeps wakes. */
  wakeAll() {
    for (const process2 of this.zombies) this.ports.scheduler.wake(process2);
    for (const containers of Object.values(this.idle))
      for (const { process: process2 } of containers) this.ports.scheduler.wake(process2);
  }
  container(name, isOther) {
    const { scheduler, swarm } = this.ports;
    const idle = this.idle[name];
    if (!isOther) {
      while (idle.length > 0 && scheduler.random.next() < WARM_SHARE) {
        const [container2] = idle.splice(scheduler.random.below(idle.length), 1);
        if (!swarm.strikes("evict")) return container2;
        scheduler.bury(container2.process);
        container2.process.kill();
      }
    }
    const skewMs = swarm.strikes("clock-skew") ? swarm.below(2 * SKEW_MS_MAX) - SKEW_MS_MAX : 0;
    const process2 = new Process(`${name}${++this.started}`, skewMs);
    const bindings = this.bindingsOf(process2, this.logger(process2));
    const handler = HANDLERS[name](isOther ? this.other : this.pipeline, bindings);
    return { process: process2, handler, isOther };
  }
  logger(process2) {
    const { scheduler } = this.ports;
    return {
      info: () => void 0,
      warn: (message) => scheduler.note(`${process2.name} warns: ${message}`),
      error: (message, fields) => {
        scheduler.note(`${process2.name} says: ${message} ${String(fields?.error ?? "")}`);
        if (message === STOPPED_KEY_GROUP) this.stoppedKeyGroup(String(fields.code), String(fields.error));
        if (message === UNANSWERED) this.onDoubt(String(fields.split), String(fields.position), String(fields.next));
        if (fields?.code === "unexpected") this.checks.fail(`an error that nobody expects: ${String(fields.error)}`);
      }
    };
  }
  /** It is said in a log and by a metric, and nothing else fails by it. */
  stoppedKeyGroup(code, error) {
    this.onStop();
    if (!this.isExpected(new StopError(code, error))) this.checks.fail(`a key group stops: ${error}`);
  }
  judge(error, isOther) {
    const code = error instanceof MillraceError ? error.code : "unexpected";
    if (error instanceof StopError && !isOther) this.onStop();
    if (isOther ? code !== "graph-changed" && !this.isExpected(error) : !this.isExpected(error))
      this.checks.fail(
        `an error that nobody expects: ${code}: ${error instanceof MillraceError ? error.message : String(error?.stack ?? error)}`
      );
  }
  settled(name, attempt, outcome) {
    const { container: container2, deadline, settle } = attempt;
    const { process: process2 } = container2;
    const { scheduler } = this.ports;
    if (process2.isDead) return;
    this.attempts.delete(process2);
    scheduler.cancel(deadline);
    process2.onDeath = () => void 0;
    scheduler.note(`${process2.name} ${outcome.failed === void 0 ? "answers" : `fails: ${outcome.failed}`}`);
    scheduler.park(process2);
    if (this.zombies.delete(process2) || container2.isOther) process2.kill();
    else this.idle[name].push(container2);
    settle?.(outcome);
  }
  died(attempt) {
    const { scheduler } = this.ports;
    const { process: process2 } = attempt.container;
    this.attempts.delete(process2);
    this.zombies.delete(process2);
    scheduler.cancel(attempt.deadline);
    scheduler.bury(process2);
    const { settle } = attempt;
    attempt.settle = void 0;
    if (settle !== void 0)
      scheduler.after(
        1 + scheduler.random.below(NOTICE_MS_MAX),
        `${process2.name} is seen to be dead`,
        () => settle({ failed: "the process died" })
      );
  }
  /** Whoever invoked it no longer waits. It sleeps, and goes on at any later time. */
  abandon(process2) {
    const { scheduler, swarm } = this.ports;
    const attempt = this.attempts.get(process2);
    if (attempt?.settle === void 0) return;
    const { settle } = attempt;
    attempt.settle = void 0;
    scheduler.cancel(attempt.deadline);
    this.zombies.add(process2);
    scheduler.park(process2);
    scheduler.after(
      1 + swarm.below(swarm.below(2) === 0 ? SLEEP_MS_MAX : 2e3),
      `${process2.name} wakes`,
      () => scheduler.wake(process2)
    );
    scheduler.after(
      1 + scheduler.random.below(NOTICE_MS_MAX),
      `${process2.name} is given up`,
      () => settle({ failed: "the invocation was given up" })
    );
  }
};

// lib/testing/sim/operator.ts
var LOOK_MS = 2e4;
var RESET_AFTER_MS = 61e3;
var Operator = class {
  ports;
  table;
  prefix;
  stages;
  logs;
  timeoutMs;
  /** Nothing may be at work on a log while a hand is laid on it. */
  quiet;
  resumed;
  isLooking = false;
  stopped = /* @__PURE__ */ new Map();
  deaths = /* @__PURE__ */ new Map();
  constructor(world) {
    this.ports = world.ports;
    this.table = world.table;
    this.prefix = world.prefix;
    this.stages = world.stages;
    this.logs = world.logs;
    this.timeoutMs = world.timeoutMs;
    this.quiet = world.quiet;
    this.resumed = world.resumed;
  }
  /** An alarm: looks soon, and again until there is nothing to do. */
  alarm() {
    if (this.isLooking) return;
    this.isLooking = true;
    this.ports.scheduler.after(LOOK_MS, "", () => {
      this.isLooking = false;
      void this.look();
    });
  }
  /** A process has died of this log's record. */
  killed(log, position) {
    this.deaths.set(log, position);
    this.alarm();
  }
  async look() {
    const { scheduler } = this.ports;
    if (this.table.checks.damaged.size > 0) {
      this.alarm();
      return;
    }
    for (const log of this.logs) {
      const found = this.splitOf(log);
      if (found === void 0) continue;
      const { item, stage } = found;
      const split = readSplit(item, stage.operators.length);
      if (split.stopped === "") this.stopped.delete(log);
      else {
        const since = this.stopped.get(log);
        if (since === void 0) this.stopped.set(log, scheduler.now);
        else if (scheduler.now - since > RESET_AFTER_MS && this.ports.latent === 0) await this.reset(log, item, stage);
        this.alarm();
      }
      const victim = this.deaths.get(log);
      if (victim === void 0) continue;
      if (split.position >= victim) {
        this.deaths.delete(log);
        continue;
      }
      this.alarm();
      if (split.skip !== split.position && scheduler.now - split.at > 3 * this.timeoutMs && Math.max(log.kept, log.after(split.position)) === log.unitStart(log.indexOf(victim)))
        await this.skip(log, item, split.position);
    }
  }
  /** Its split has stopped, and nobody has seen to it yet. */
  isStopped(log) {
    return this.splitOf(log)?.item.stopped !== void 0;
  }
  hasAccepted(log, position) {
    return this.splitOf(log)?.item.accepted === position;
  }
  /** The state does not know yet that the log was made anew. */
  isBehind(log) {
    return this.splitOf(log)?.item.sk !== `s#${splitName(log.plan.source, log.splitId)}`;
  }
  /** Where the state says that a log was read to. */
  positionOf(log) {
    const item = this.splitOf(log)?.item;
    return item === void 0 || item.next !== void 0 && log.generation > 0 ? START : item.position;
  }
  splitOf(log) {
    const { source: source2 } = log.plan;
    const stage = this.stages.find(({ inputs }) => inputs.some(({ name }) => name === source2));
    const find = (id) => this.table.items.find(splitKey(this.prefix, stage.index, splitName(source2, id)));
    const item = (find(log.splitId) ?? find(log.idBefore))?.item;
    return item && { item, stage };
  }
  async reset(log, item, stage) {
    const { scheduler } = this.ports;
    this.quiet(log);
    const split = readSplit(item, stage.operators.length);
    const isRemade = split.stopped.startsWith("beyond-end");
    const name = await this.tryReset(stage, split);
    scheduler.note(`reset ${log.name}: ${String(name)}`);
    if (name === void 0) return;
    this.stopped.delete(log);
    if (isRemade) {
      for (const record of log.past.at(-1))
        if (positionOf(log.connector, record) > split.position)
          log.lost.push({ generation: log.generation - 1, record });
      log.loses(0, log.kept);
      log.next = log.kept;
    } else {
      log.loses(log.after(split.position), log.kept);
      log.next = Math.max(log.kept, log.next);
    }
    this.resumed(log);
  }
  /** The command may be killed before either of its two writes: what it wrote before stands. */
  async tryReset(stage, split) {
    const { scheduler, swarm } = this.ports;
    const { direct } = this.table;
    let isKilled = false;
    const dies = () => {
      isKilled = swarm.strikes("operator-dies");
      return isKilled;
    };
    const store = {
      ...direct,
      update: async (update) => dies() ? { applied: false, item: void 0 } : await direct.update(update),
      insert: async (items) => dies() ? items.map(() => "exists") : await direct.insert(items)
    };
    const name = await resetSplit(store, this.prefix, stage.index, split, scheduler.now, true);
    if (isKilled) scheduler.note(`the command that resets ${split.name} is killed`);
    return name;
  }
  async skip(log, item, position) {
    const verdict = await this.table.direct.update({
      key: item,
      set: { skip: position },
      when: [{ attribute: "position", is: "equal", value: position }]
    });
    this.ports.scheduler.note(`skip ${log.name} after ${position}: ${verdict.applied}`);
  }
};

// lib/testing/sim/preloaded.ts
function preloaded(pipeline2, decoders) {
  return {
    ...pipeline2,
    nodes: pipeline2.nodes.map((node) => {
      if (node.kind !== "source") return node;
      const decoder = decoders.get(node.source.connector);
      return decoder === void 0 ? node : { ...node, source: { ...node.source, open: async () => decoder } };
    })
  };
}

// lib/testing/sim/scheduler.ts
var STEP_MS_MAX = 25;
var NEWEST_SHARE = 0.3;
var Scheduler = class {
  now;
  steps = 0;
  /** FNV-1a of everything that happened, in order. */
  hash = 2166136261;
  /** The process whose code runs right now. */
  running;
  random;
  ready = [];
  timers = [];
  order = 0;
  isSequential;
  onEvent;
  constructor(seed, now, isSequential, onEvent) {
    this.random = new Random(seed);
    this.now = now;
    this.isSequential = isSequential;
    this.onEvent = onEvent;
  }
  /** Writes down that something happened. */
  note(event) {
    let { hash } = this;
    for (let i = 0; i < event.length; i++) hash = Math.imul(hash ^ event.charCodeAt(i), 16777619);
    this.hash = hash;
    if (event !== "") this.onEvent?.(event, this.now);
  }
  /** Settles when it is this call's turn; never, where its process dies before. */
  turn(process2, label) {
    return new Promise((go) => {
      if (process2.isDead) return;
      const waiting = { process: process2, label, go };
      if (process2.parked === void 0) this.ready.push(waiting);
      else process2.parked.push(waiting);
    });
  }
  /** Does something at a time of the world. */
  after(ms, label, act) {
    const timer = { at: this.now + ms, order: this.order++, label, act };
    let at = this.timers.length;
    while (at > 0 && isSooner(timer, this.timers[at - 1])) at--;
    this.timers.splice(at, 0, timer);
    return timer;
  }
  cancel(timer) {
    const at = this.timers.indexOf(timer);
    if (at >= 0) this.timers.splice(at, 1);
  }
  /** Whether something is still to come by itself, besides what goes by this label or by none. */
  hasOther(label) {
    return this.timers.some((timer) => timer.label !== label && timer.label !== "");
  }
  /** Its calls get no turn until it is woken. */
  park(process2) {
    process2.parked ??= [];
    if (!this.ready.some((waiting) => waiting.process === process2)) return;
    process2.parked.push(...this.ready.filter((waiting) => waiting.process === process2));
    this.ready = this.ready.filter((waiting) => waiting.process !== process2);
  }
  wake(process2) {
    const { parked } = process2;
    process2.parked = void 0;
    if (parked !== void 0) this.ready.push(...parked);
  }
  /** A dead process takes its calls along. */
  bury(process2) {
    if (this.ready.some((waiting) => waiting.process === process2))
      this.ready = this.ready.filter((waiting) => waiting.process !== process2);
  }
  /** One step: what is due happens, then one call goes on. Where nothing can, time goes on to what is due next. False: nothing ever will. */
  async step() {
    this.steps++;
    if (this.ready.length === 0) {
      const next = this.timers[0];
      if (next === void 0) return false;
      this.now = Math.max(this.now, next.at);
    } else this.now += 1 + this.random.below(STEP_MS_MAX);
    while (this.timers.length > 0 && this.timers[0].at <= this.now) {
      const { label, act } = this.timers.shift();
      this.note(label);
      act();
    }
    const waiting = this.next();
    if (waiting !== void 0) {
      this.note(waiting.label);
      this.running = waiting.process;
      waiting.go();
    }
    await drained();
    return true;
  }
  next() {
    const { ready, random } = this;
    if (ready.length === 0) return void 0;
    if (this.isSequential) return ready.shift();
    const at = random.next() < NEWEST_SHARE ? ready.length - 1 : random.below(ready.length);
    const [waiting] = ready.splice(at, 1);
    return waiting;
  }
};
function isSooner(a, b) {
  return a.at < b.at || a.at === b.at && a.order < b.order;
}
function drained() {
  return new Promise((resolve) => process.nextTick(resolve));
}

// lib/testing/sim/sinks.ts
var SimSinks = class {
  held = /* @__PURE__ */ new Map();
  ports;
  checks;
  refuses;
  constructor(ports, checks, refuses2) {
    this.ports = ports;
    this.checks = checks;
    this.refuses = refuses2;
  }
  open(process2, node) {
    return {
      write: (batches) => this.ports.call(
        process2,
        `${process2.name} sink ${node.name} ${batches.map(nameOf).join(" ")}`,
        true,
        () => this.write(node.name, batches)
      ),
      close: async () => void 0
    };
  }
  /** Whether a sink was given rows of the split beyond this position. */
  isAhead(split, position) {
    for (const { reached } of this.held.values()) if ((reached.get(split) ?? "") > position) return true;
    return false;
  }
  /** What each sink holds: content by id. */
  rows() {
    return new Map([...this.held].map(([name, held]) => [name, held.rows]));
  }
  async write(sink, batches) {
    const { swarm } = this.ports;
    if (swarm.strikes("sink-reject")) throw injected("sink-failed", "the sink takes nothing");
    if (swarm.strikes("sink-partial")) {
      this.take(sink, batches.slice(0, swarm.below(batches.length + 1)));
      throw injected("sink-failed", "the sink took some");
    }
    const texts = texted(batches);
    if (swarm.strikes("sink-late-effect")) {
      this.ports.later(`late: sink ${sink}`, async () => this.take(sink, batches, texts));
      throw injected("sink-failed", "no answer, and the rows come later");
    }
    const refused = this.take(sink, batches, texts);
    if (swarm.strikes("sink-lost-answer")) throw injected("sink-failed", "the answer got lost");
    return refused;
  }
  take(sink, batches, texts = texted(batches)) {
    const held = this.of(sink);
    const refused = [];
    let at = 0;
    for (const batch of batches) {
      const ids = [];
      for (const row of batch.rows) {
        const text2 = texts[at++];
        ids.push(row.id);
        const reason = this.refuses(sink, row);
        if (reason !== void 0) {
          refused.push({ batch, row, reason });
          if (!held.refused.has(row.id)) this.ports.swarm.count("refused-row");
          held.refused.add(row.id);
        } else this.keep(sink, held, batch, row, text2);
      }
      if (batch.kind === "split") {
        if (batch.to > (held.reached.get(batch.split) ?? "")) held.reached.set(batch.split, batch.to);
      } else this.part(sink, held, `${batch.operator} ${batch.part}`, ids);
    }
    return refused;
  }
  keep(sink, held, batch, row, text2) {
    const known2 = held.rows.get(row.id);
    if (known2 !== void 0) {
      if (known2 !== text2) this.checks.fail(`law 8: ${sink} gets ${row.id} twice, as ${known2} and as ${text2}`);
      return;
    }
    if (batch.kind === "split") {
      if (row.order <= batch.from || row.order > batch.to)
        this.checks.fail(`${sink} gets ${row.id} of ${row.order} in a batch of (${batch.from}, ${batch.to}]`);
      if (row.order <= (held.reached.get(batch.split) ?? ""))
        this.checks.fail(
          `law 3: ${sink} was told that all of ${batch.split} up to ${row.order} is there; now ${row.id} comes`
        );
    }
    held.rows.set(row.id, text2);
  }
  part(sink, held, name, ids) {
    const rows = ids.join();
    const known2 = held.parts.get(name);
    if (known2 === void 0) held.parts.set(name, rows);
    else if (known2 !== rows) this.checks.fail(`law 8: ${sink} gets the part ${name} as [${known2}] and as [${rows}]`);
  }
  of(sink) {
    let held = this.held.get(sink);
    if (held === void 0) {
      held = { rows: /* @__PURE__ */ new Map(), reached: /* @__PURE__ */ new Map(), parts: /* @__PURE__ */ new Map(), refused: /* @__PURE__ */ new Set() };
      this.held.set(sink, held);
    }
    return held;
  }
};
var nameOf = (batch) => batch.kind === "operator" ? `${batch.operator}/${batch.part}` : `${batch.split}->${batch.to}`;
var texted = (batches) => batches.flatMap(({ rows }) => rows.map(({ value }) => JSON.stringify(value)));

// lib/state/memory/index.ts
init_base();

// lib/state/conditions.ts
init_base();

// lib/state/items.ts
init_base();

// lib/state/units.ts
init_base();
function itemBytes(item) {
  let bytes2 = 0;
  for (const name in item) bytes2 += Buffer.byteLength(name) + attributeBytes(item[name]);
  return bytes2;
}
function attributeBytes(value) {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return numberBytes(value);
  return typeof value === "boolean" ? 1 : value.length;
}
function numberBytes(value) {
  if (value === 0) return 1;
  const exponential = Math.abs(value).toExponential();
  const mantissa = exponential.indexOf("e");
  const digits = mantissa === 1 ? 1 : mantissa - 1;
  return (digits + 1 >> 1) + 1 + (value < 0 ? 1 : 0);
}
var writeUnits = (bytes2) => Math.max(1, Math.ceil(bytes2 / WRITE_UNIT_BYTES));
var readUnits = (bytes2) => Math.max(1, Math.ceil(bytes2 / READ_UNIT_BYTES));
var Meter = class {
  #requests = 0;
  #writeUnits = 0;
  #readUnits = 0;
  /** One request; each item is rounded up by itself, and an absent one costs a unit. */
  get(sizes) {
    this.#requests++;
    for (const bytes2 of sizes) this.#readUnits += readUnits(bytes2 ?? 0);
  }
  /** One request; the items of the page are summed before they are rounded. */
  query(bytes2) {
    this.#requests++;
    this.#readUnits += readUnits(bytes2);
  }
  /** One insert each: `standing` is the size of the item that refused it. Requests are counted for the call as a whole. */
  insert(inserts) {
    this.#requests += Math.ceil(inserts.length / STORE_INSERT_MAX);
    for (const { attempted, standing: standing2 } of inserts) this.#writeUnits += writeUnits(Math.max(attempted, standing2 ?? 0));
  }
  /** A refused update has no size after it; it is charged for the item that stands, or a unit if there is none. */
  update(before, after) {
    this.#requests++;
    this.#writeUnits += writeUnits(Math.max(before ?? 0, after ?? 0));
  }
  snapshot() {
    return { requests: this.#requests, writeUnits: this.#writeUnits, readUnits: this.#readUnits };
  }
};

// lib/state/items.ts
var PARTITION_KEY_BYTES_MAX = 2048;
var SORT_KEY_BYTES_MAX = 1024;
var ITEM_BYTES_MAX = 400 * 1024;
var NUMBER_MIN = 1e-130;
var NUMBER_END = 1e126;
function admit(item) {
  checkKey(item);
  const copy = copyItem(item);
  for (const name in copy) checkAttribute(name, copy[name]);
  const bytes2 = itemBytes(copy);
  assert(bytes2 <= ITEM_BYTES_MAX, `an item has at most ${ITEM_BYTES_MAX} bytes; ${item.pk} / ${item.sk} has ${bytes2}`);
  return { item: copy, bytes: bytes2 };
}
function checkKey(key) {
  checkKeyPart("partition", key.pk, PARTITION_KEY_BYTES_MAX);
  checkKeyPart("sort", key.sk, SORT_KEY_BYTES_MAX);
}
function checkKeyPart(kind, text2, bytesMax) {
  if (typeof text2 !== "string" || text2 === "") assert(false, `a ${kind} key is a string that is not empty`);
  checkText(`a ${kind} key`, text2, bytesMax);
}
function checkText(what, text2, bytesMax) {
  if (text2.length * 3 > bytesMax && Buffer.byteLength(text2) > bytesMax) {
    assert(false, `${what} has at most ${bytesMax} bytes; this one has ${Buffer.byteLength(text2)}`);
  }
  if (!text2.isWellFormed()) assert(false, `${what} has no lone surrogate`);
}
function checkAttributeName(name) {
  if (name === "") assert(false, "the name of an attribute is not empty");
  if (!name.isWellFormed()) assert(false, "the name of an attribute has no lone surrogate");
}
function checkAttribute(name, value) {
  checkAttributeName(name);
  if (typeof value === "string") {
    if (!value.isWellFormed()) assert(false, `attribute ${name} has no lone surrogate`);
  } else if (typeof value === "number") {
    const magnitude = Math.abs(value);
    if (value !== 0 && !(magnitude >= NUMBER_MIN && magnitude < NUMBER_END)) {
      assert(false, `attribute ${name} is a number that DynamoDB can hold; it is ${value}`);
    }
  } else if (typeof value !== "boolean" && !(value instanceof Uint8Array)) {
    assert(false, `attribute ${name} is a string, a number, a boolean or bytes; it is of type ${typeof value}`);
  }
}
function copyItem(item) {
  const copy = { ...item };
  for (const name in copy) {
    const value = copy[name];
    if (value === 0) copy[name] = 0;
    else if (value instanceof Uint8Array) copy[name] = new Uint8Array(value);
  }
  return Object.freeze(copy);
}
function checkGet(keys) {
  assert(keys.length <= STORE_GET_MAX, `a request reads at most ${STORE_GET_MAX} items; it asks for ${keys.length}`);
  for (const key of keys) checkKey(key);
  checkDistinct(keys);
}
function checkDistinct(keys) {
  if (keys.length < 2) return;
  const seen = /* @__PURE__ */ new Set();
  for (const { pk, sk } of keys) seen.add(`${pk.length}:${pk}${sk}`);
  assert(seen.size === keys.length, "the keys of one request are distinct");
}

// lib/state/conditions.ts
function judge2(standing2, update) {
  if (!standing2 || !update.when.every((condition) => holds2(condition, standing2))) return void 0;
  const after = { ...standing2, ...update.set };
  for (const name of update.remove ?? []) delete after[name];
  return admit(after);
}
function holds2(condition, item) {
  const actual = Object.hasOwn(item, condition.attribute) ? item[condition.attribute] : void 0;
  switch (condition.is) {
    case "absent":
      return actual === void 0;
    case "below":
      return actual === void 0 || isBelow(actual, condition.value);
    case "equal":
      return actual !== void 0 && isEqual(actual, condition.value);
  }
}
function isBelow(a, b) {
  if (typeof a === "string" && typeof b === "string") return compareBytes(a, b) < 0;
  return typeof a === "number" && typeof b === "number" && a < b;
}
function isEqual(a, b) {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}
function checkUpdate(update) {
  checkKey(update.key);
  const { set, remove = [] } = update;
  const isKey = (name) => name === "pk" || name === "sk";
  assert(!("pk" in set || "sk" in set || remove.some(isKey)), "an update leaves the key as it is");
  const isTwice = (name, at) => Object.hasOwn(set, name) || remove.indexOf(name) < at;
  assert(!remove.some(isTwice), "an update names an attribute once");
  for (const name in set) checkAttribute(name, set[name]);
  for (const name of remove) checkAttributeName(name);
  for (const condition of update.when) {
    if (condition.is === "absent") checkAttributeName(condition.attribute);
    else checkAttribute(condition.attribute, condition.value);
  }
}

// lib/state/paging.ts
init_base();
function boundsOf(range) {
  const { pk, from, to, after, limit, descending } = range;
  assert(pk !== "", "a partition key is not empty");
  checkText("a partition key", pk, PARTITION_KEY_BYTES_MAX);
  checkText("a bound of sort keys", from, SORT_KEY_BYTES_MAX);
  checkText("a bound of sort keys", to, SORT_KEY_BYTES_MAX);
  assert(
    limit === void 0 || Number.isSafeInteger(limit) && limit > 0,
    `a page has at least one item, not ${limit}`
  );
  if (compareBytes(from, to) >= 0) return void 0;
  if (after === void 0) return { low: from, high: to, lowExcluded: false };
  checkText("a sort key", after, SORT_KEY_BYTES_MAX);
  assert(compareBytes(from, after) <= 0 && compareBytes(after, to) < 0, "a page goes on within the range");
  if (!descending) return { low: after, high: to, lowExcluded: true };
  return from === after ? void 0 : { low: from, high: after, lowExcluded: false };
}
function pageOf(left, limit = Number.POSITIVE_INFINITY) {
  const items = [];
  let bytes2 = 0;
  for (const { item, bytes: size } of left) {
    if (items.length === limit || items.length > 0 && bytes2 + size > STORE_PAGE_BYTES) {
      return { page: { items, next: items.at(-1).sk }, bytes: bytes2 };
    }
    items.push(item);
    bytes2 += size;
  }
  return { page: { items }, bytes: bytes2 };
}

// lib/state/memory/sorted-keys.ts
init_base();
var SortedKeys = class {
  #sorted = [];
  #waiting = [];
  add(key) {
    this.#waiting.push(key);
  }
  /** All keys in order. The array is the store's own: read it before the next addition. */
  sorted() {
    if (this.#waiting.length > 0) {
      this.#merge(this.#waiting.sort(compareBytes));
      this.#waiting = [];
    }
    return this.#sorted;
  }
  #merge(added) {
    const keys = this.#sorted;
    let end2 = keys.length;
    const inOrder = end2 === 0 || compareBytes(keys[end2 - 1], added[0]) < 0;
    for (const key of added) keys.push(key);
    if (inOrder) return;
    for (let i = added.length - 1; i >= 0; i--) {
      const at = lowerBound(keys, added[i], end2);
      for (let j = end2 - 1; j >= at; j--) keys[j + i + 1] = keys[j];
      keys[at + i] = added[i];
      end2 = at;
    }
  }
};
function lowerBound(keys, key, end2 = keys.length) {
  let low = 0;
  let high = end2;
  while (low < high) {
    const middle = low + high >>> 1;
    if (compareBytes(keys[middle], key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// lib/state/memory/table.ts
var MemoryTable = class {
  partitions = /* @__PURE__ */ new Map();
  find(key) {
    return this.partitions.get(key.pk)?.items.get(key.sk);
  }
  put(entry) {
    const { pk, sk } = entry.item;
    let partition = this.partitions.get(pk);
    if (!partition) {
      partition = { items: /* @__PURE__ */ new Map(), keys: new SortedKeys() };
      this.partitions.set(pk, partition);
    }
    if (!partition.items.has(sk)) partition.keys.add(sk);
    partition.items.set(sk, entry);
  }
  /** Takes an item away, as somebody with a console may. Stores themselves never do. */
  remove(key) {
    const partition = this.partitions.get(key.pk);
    if (!partition?.items.delete(key.sk)) return;
    partition.keys = new SortedKeys();
    for (const sk of partition.items.keys()) partition.keys.add(sk);
  }
  /** The items of a partition within bounds, ascending or descending. */
  *range(pk, bounds, descending = false) {
    const partition = this.partitions.get(pk);
    if (!partition) return;
    const keys = partition.keys.sorted();
    const start = lowerBound(keys, bounds.low);
    const first2 = bounds.lowExcluded && keys[start] === bounds.low ? start + 1 : start;
    const end2 = lowerBound(keys, bounds.high);
    if (descending) for (let i = end2 - 1; i >= first2; i--) yield partition.items.get(keys[i]);
    else for (let i = first2; i < end2; i++) yield partition.items.get(keys[i]);
  }
  /** Every item, in the order in which their partitions and they were first put. */
  *all() {
    for (const { items } of this.partitions.values()) for (const { item } of items.values()) yield item;
  }
};

// lib/state/memory/index.ts
function memoryStore(table = new MemoryTable()) {
  const meter = new Meter();
  let closed = false;
  const check5 = () => assert(!closed, "a closed store is not used");
  return {
    keepsExpired: true,
    async get(keys) {
      check5();
      checkGet(keys);
      if (keys.length === 0) return [];
      const found = keys.map((key) => table.find(key));
      meter.get(found.map((entry) => entry?.bytes));
      return found.map((entry) => entry && copyItem(entry.item));
    },
    async insert(items) {
      check5();
      const entries = items.map(admit);
      checkDistinct(items);
      const outcomes = entries.map((entry) => {
        const standing2 = table.find(entry.item);
        if (!standing2) table.put(entry);
        return { attempted: entry.bytes, standing: standing2?.bytes };
      });
      meter.insert(outcomes);
      return outcomes.map(({ standing: standing2 }) => standing2 === void 0 ? "inserted" : "exists");
    },
    async update(update) {
      check5();
      checkUpdate(update);
      const before = table.find(update.key);
      const after = judge2(before?.item, update);
      meter.update(before?.bytes, after?.bytes);
      if (!after) return { applied: false, item: before && copyItem(before.item) };
      table.put(after);
      return { applied: true, item: copyItem(after.item) };
    },
    async query(range) {
      check5();
      const bounds = boundsOf(range);
      if (!bounds) {
        meter.query(0);
        return { items: [] };
      }
      const { page, bytes: bytes2 } = pageOf(table.range(range.pk, bounds, range.descending), range.limit);
      meter.query(bytes2);
      return { ...page, items: page.items.map(copyItem) };
    },
    usage: () => meter.snapshot(),
    async close() {
      closed = true;
    }
  };
}

// lib/testing/sim/table.ts
var BURST_MS_MAX = 2e4;
var SimTable = class {
  items = new MemoryTable();
  /** The table as an operator's command has it: nothing fails, and every write is looked at as any other. */
  direct;
  inner = memoryStore(this.items);
  checks;
  /** A split stops: an alarm. */
  onStop = () => void 0;
  ports;
  burstUntil = Number.NEGATIVE_INFINITY;
  constructor(ports) {
    this.ports = ports;
    this.direct = {
      ...this.inner,
      keepsExpired: false,
      insert: (items) => this.insert(items),
      update: (update) => this.update(update)
    };
  }
  /** What is past its time to live is deleted, some time or other. */
  expire() {
    const { swarm, scheduler } = this.ports;
    for (const item of [...this.items.all()]) {
      if (item.ttl === void 0 || item.ttl * 1e3 > scheduler.now || swarm.below(3) === 0) continue;
      this.items.remove(item);
      swarm.count("expiry");
    }
  }
  store(process2) {
    const { inner } = this;
    const { name } = process2;
    return {
      get: (keys) => this.request(process2, `${name} get ${keys.map(nameOf2).join(" ")}`, false, () => inner.get(keys)),
      insert: (items) => this.request(process2, `${name} insert ${items.map(segmentOf).join(" ")}`, true, () => this.insertSome(items)),
      update: (update) => this.request(
        process2,
        `${name} update ${nameOf2(update.key)} ${JSON.stringify(update.set)}`,
        true,
        () => this.update(update)
      ),
      query: (range) => this.request(process2, `${name} query ${range.pk} ${range.from}`, false, () => inner.query(range)),
      usage: () => inner.usage(),
      close: async () => void 0
    };
  }
  async insertSome(items) {
    const { swarm } = this.ports;
    if (items.length === 1 || !swarm.strikes("partial-batch")) return await this.insert(items);
    await this.insert(items.filter(() => swarm.below(2) === 0));
    throw injected("unknown-outcome", "some items were written");
  }
  async insert(items) {
    const verdicts = await this.inner.insert(items);
    for (const [i, verdict] of verdicts.entries()) if (verdict === "inserted") this.checks.inserted(items[i]);
    return verdicts;
  }
  async update(update) {
    const before = this.items.find(update.key)?.item;
    const verdict = await this.inner.update(update);
    if (verdict.applied) {
      this.checks.updated(before, verdict.item);
      if (verdict.item.stopped !== before.stopped) this.onStop();
    }
    return verdict;
  }
  request(process2, label, isWrite, effect) {
    const { ports } = this;
    const { swarm, scheduler } = ports;
    return ports.call(process2, label, isWrite, async () => {
      if (swarm.strikes("throttle")) throw injected("throttled", "the table throttles");
      if (swarm.strikes("throttle-burst")) this.burstUntil = scheduler.now + swarm.below(BURST_MS_MAX);
      if (scheduler.now < this.burstUntil && !swarm.hasEnded && swarm.below(2) === 0)
        throw injected("throttled", "the table throttles for a while");
      if (swarm.strikes("lost-request")) throw injected("unknown-outcome", "the request got lost");
      if (isWrite && swarm.strikes("late-effect")) {
        ports.later(`late: ${label}`, effect);
        throw injected("unknown-outcome", "no answer, and the effect comes later");
      }
      const result = await effect();
      if (swarm.strikes("lost-answer")) throw injected("unknown-outcome", "the answer got lost");
      return result;
    });
  }
};
var nameOf2 = ({ pk, sk }) => `${pk} ${sk}`;
var segmentOf = (item) => `${item.pk} ${item.sk}${item.to === void 0 ? "" : `->${String(item.to)}`}`;

// lib/testing/sim/vandal.ts
var PARTS_PREFIX = "p#";
var SEGMENT_PREFIX = "g#";
var MENDED_MS = 12e4;
var SOON_MS = 3e3;
var COVERED = {
  split: ["position", "own", "top", "tails", "counters", "status", "was", "gate", "epoch", "parents", "origin", "next"],
  watermark: ["proposed", "watermark"],
  group: ["cursor"],
  segment: ["to", "n", "data", "packed", "sum", "parts"],
  part: ["data"]
};
var Vandal = class {
  ports;
  table;
  /** Damaged items as they were, by name. */
  damaged = /* @__PURE__ */ new Map();
  constructor(ports, table) {
    this.ports = ports;
    this.table = table;
  }
  get isAtWork() {
    return this.damaged.size > 0;
  }
  /** Now and then. What is conditional, and what could be written anew, is left alone while somebody is at work: a write under way may pass its condition by the damage. */
  act(isQuiet, isDone2) {
    const { swarm } = this.ports;
    if (this.isAtWork || swarm.hasEnded) return;
    if (swarm.chance("bit-flip")) this.flip(isQuiet);
    else if (isQuiet && swarm.chance("lost-segment")) this.lose(isDone2);
    else if (swarm.chance("future-format")) this.update();
  }
  /** Millrace has said that something is wrong. */
  alarm() {
    if (this.isAtWork)
      this.ports.scheduler.after(1 + this.ports.swarm.below(SOON_MS), "the table is restored", () => this.mend());
  }
  flip(isQuiet) {
    const items = [...this.table.items.all()].filter((item2) => {
      const kind = kindOf3(item2);
      return isQuiet ? kind !== void 0 : kind === "segment" || kind === "part";
    });
    const item = this.pick(items);
    if (item === void 0) return;
    const names = COVERED[kindOf3(item)].filter((name2) => item[name2] !== void 0 && item[name2] !== "");
    const name = this.pick(names);
    if (name !== void 0)
      this.breaks("bit-flip", item, { ...item, [name]: flipped(item[name], (limit) => this.ports.swarm.below(limit)) });
  }
  update() {
    const item = this.pick([...this.table.items.all()].filter((candidate) => kindOf3(candidate) === "segment"));
    if (item !== void 0) this.breaks("future-format", item, { ...item, format: 2 });
  }
  lose(isDone2) {
    const all2 = [...this.table.items.all()];
    const isInside = (item2) => isDone2(parseSegmentSk(item2.sk).split, item2.to) && all2.some(
      (next) => next.pk === item2.pk && next.sk.startsWith(item2.sk.slice(0, item2.sk.lastIndexOf("#") + 1)) && next.sk.endsWith(`#${String(item2.to)}`)
    );
    const item = this.pick(
      all2.filter(
        (candidate) => kindOf3(candidate) === "part" || kindOf3(candidate) === "segment" && isInside(candidate)
      )
    );
    if (item !== void 0) this.breaks("lost-segment", item, void 0);
  }
  breaks(kind, whole, broken) {
    const { scheduler } = this.ports;
    const name = `${whole.pk} ${whole.sk}`;
    this.ports.swarm.count(kind);
    scheduler.note(
      `damage: ${name} ${broken === void 0 ? "is gone" : Object.keys(whole).find((attribute) => whole[attribute] !== broken[attribute])}`
    );
    this.damaged.set(name, { whole, broken });
    this.table.checks.damaged.add(name);
    this.table.items.remove(whole);
    if (broken !== void 0) this.table.items.put({ item: broken, bytes: 100 });
    scheduler.after(MENDED_MS, "the table is looked through", () => this.mend());
  }
  /** What is still as it was broken is made whole; what was written anew since then is right. */
  mend() {
    for (const [name, { whole, broken }] of this.damaged) {
      const standing2 = this.table.items.find(whole)?.item;
      const after = { ...standing2 ?? whole };
      if (broken !== void 0 && standing2 !== void 0) {
        for (const attribute of Object.keys(broken))
          if (isEqual(standing2[attribute], broken[attribute]) && whole[attribute] !== void 0)
            after[attribute] = whole[attribute];
      }
      this.table.items.put({ item: after, bytes: 100 });
      this.table.checks.damaged.delete(name);
    }
    this.damaged.clear();
  }
  pick(list) {
    return list.length === 0 ? void 0 : list[this.ports.swarm.below(list.length)];
  }
};
function kindOf3({ pk, sk }) {
  if (sk === "!") return pk.endsWith("#splits") ? "watermark" : void 0;
  if (sk === "c") return "group";
  if (sk.startsWith("s#")) return "split";
  if (sk.startsWith(SEGMENT_PREFIX)) return "segment";
  return sk.startsWith(PARTS_PREFIX) ? "part" : void 0;
}
function flipped(value, below) {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + (below(2) === 0 ? 1 : -1) * 2 ** below(40);
  if (typeof value === "string") {
    const at = below(value.length);
    const other = String.fromCharCode(value.charCodeAt(at) ^ 1 << below(6));
    return value.slice(0, at) + (new RegExp("\\p{Surrogate}", "u").test(other) ? "?" : other) + value.slice(at + 1);
  }
  const bytes2 = new Uint8Array(value);
  bytes2[below(bytes2.length)] ^= 1 << below(8);
  return bytes2;
}

// lib/testing/sim/world.ts
var TIMEOUT_MS = 2e4;
var FAULTY_STEPS = 6e3;
var STEPS_MAX = 6e4;
var World = class {
  scheduler;
  ports;
  table;
  checks;
  sinks;
  lambda;
  logs;
  pipeline;
  plan;
  options;
  swarm;
  pollers = [];
  operator;
  vandal;
  disasters;
  prefix;
  startMs;
  ids = 0;
  isDelivered = false;
  isSettling = false;
  horizonMs = TIME_MAX;
  ticking = 0;
  constructor(pipeline2, options2) {
    this.options = options2;
    this.pipeline = preloaded(pipeline2, options2.decoders);
    this.plan = plan(this.pipeline);
    this.prefix = runPrefix(pipeline2.name, 1);
    this.startMs = options2.startMs ?? START_MS;
    const { seed, swarm } = options2;
    this.swarm = swarm;
    swarm.onInjection = (kind) => this.scheduler?.note(`  ** ${kind}`);
    this.scheduler = new Scheduler(seed, this.startMs, options2.isSequential === true, options2.onEvent);
    const ports = new Ports(this.scheduler, swarm, options2.crashes ?? []);
    this.ports = ports;
    this.table = new SimTable(ports);
    this.vandal = new Vandal(ports, this.table);
    this.checks = new Invariants(this.pipeline, this.table.items);
    this.table.checks = this.checks;
    this.checks.childrenOf = (split) => this.childrenOf(split);
    this.sinks = new SimSinks(ports, this.checks, options2.refuses ?? (() => void 0));
    const connectorOf = (source2) => this.plan.sources.find(({ name }) => name === source2).connector;
    this.logs = options2.logs.map((log) => new SimLog(log, connectorOf(log.source), this.startMs));
    this.lambda = new Lambda({
      ports,
      pipeline: this.pipeline,
      checks: this.checks,
      timeoutMs: TIMEOUT_MS,
      bindingsOf: (process2, logger) => this.bindings(process2, logger),
      isExpected: (error) => this.isExpected(error)
    });
    this.operator = new Operator({
      ports,
      table: this.table,
      prefix: this.prefix,
      stages: this.plan.stages,
      logs: this.logs,
      timeoutMs: TIMEOUT_MS,
      quiet: (log) => this.lambda.killAll((subject) => subject instanceof Poller && subject.logs.includes(log)),
      resumed: () => this.startPollers()
    });
    this.disasters = new Disasters({
      ports,
      logs: this.logs,
      sources: this.plan.sources,
      lambda: this.lambda,
      operator: this.operator,
      vandal: this.vandal,
      checks: this.checks,
      sinks: this.sinks,
      startMs: this.startMs,
      isDelivered: () => this.isDelivered,
      isCounted: (split, position) => this.isCounted(split, position),
      startPollers: () => this.startPollers(),
      expire: () => this.table.expire(),
      spareLifeMs: options2.limits?.spareLifeMs ?? LIMITS.spareLifeMs
    });
    this.lambda.onStop = () => {
      this.operator.alarm();
      this.vandal.alarm();
    };
    this.lambda.onDoubt = (split, position, next) => this.doubt(split, position, next);
    this.table.onStop = () => this.operator.alarm();
    this.makePollers();
  }
  async run() {
    const { scheduler, swarm, options: options2 } = this;
    const most = options2.stepsMax ?? STEPS_MAX;
    this.startPollers();
    this.tick();
    this.disasters.shake();
    let isFinished = false;
    while (scheduler.steps < most && this.checks.violations.length === 0) {
      if (scheduler.steps === FAULTY_STEPS) {
        swarm.end();
        this.lambda.wakeAll();
      }
      await scheduler.step();
      if (!this.lambda.isBusy && this.isDone()) {
        isFinished = true;
        break;
      }
    }
    if (isFinished) await this.settle(most);
    else if (this.checks.violations.length === 0) this.checks.fail(`liveness: not done after ${scheduler.steps} steps`);
    return this.outcome(isFinished);
  }
  /** The record at hand kills the process that touches it. */
  die = (source2, split, position) => {
    const process2 = this.scheduler.running;
    this.scheduler.note(`${process2.name} dies of ${source2}/${split} ${position}`);
    process2.kill();
    const log = this.logs.find((candidate) => candidate.plan.source === source2 && candidate.splitId === split);
    if (log !== void 0) this.operator.killed(log, position);
    throw new RecordRejection("killed", "The process is dead.");
  };
  /** After everything is done: whoever slept wakes, what was late comes, and nothing may change by it. */
  async settle(most) {
    const before = this.digest();
    this.isSettling = true;
    this.swarm.end();
    this.lambda.wakeAll();
    let idle = 0;
    while (this.scheduler.steps < most + 2e4 && idle < 400) {
      if (!await this.scheduler.step()) break;
      idle = this.lambda.isAlive ? 0 : idle + 1;
      if (!this.lambda.isAlive && !this.hasLate()) break;
    }
    if (this.digest() !== before) this.checks.fail("law 7: what came after the end has changed results");
  }
  hasLate() {
    return this.scheduler.hasOther(TICK);
  }
  digest() {
    return [...this.sinks.rows()].map(([name, rows]) => `${name} ${rows.size}`).join();
  }
  outcome(isFinished) {
    const { scheduler } = this;
    return {
      isFinished,
      violations: this.checks.violations,
      steps: scheduler.steps,
      calls: this.ports.calls,
      writes: this.ports.writes,
      invocations: this.lambda.invocations,
      simulatedMs: scheduler.now - this.startMs,
      hash: scheduler.hash >>> 0,
      rows: this.sinks.rows(),
      checks: this.checks,
      logs: this.logs,
      table: this.table
    };
  }
  bindings(process2, logger) {
    const { options: options2, scheduler, table } = this;
    return {
      state: table.store(process2),
      sink: async (node) => this.sinks.open(process2, node),
      inspectors: Object.fromEntries(
        this.plan.sources.map(({ name }) => [
          name,
          simInspector(
            this.ports,
            process2,
            this.logs.filter(({ plan: { source: source2 } }) => source2 === name),
            name,
            () => this.isDelivered && options2.ending !== "clock"
          )
        ])
      ),
      clock: { now: () => scheduler.now + process2.skewMs.now },
      ids: { next: () => `n${++this.ids}` },
      logger,
      metrics: new InvocationMetrics(),
      queue: { advance: async (request) => this.enqueue(process2, request) },
      timeoutMs: TIMEOUT_MS,
      kafkaPartialAnswers: options2.kafkaPartialAnswers === true,
      ...options2.limits && { limits: options2.limits }
    };
  }
  async enqueue(process2, request) {
    const body = JSON.stringify(request);
    await this.ports.call(process2, `${process2.name} queue ${body}`, false, async () => {
      if (this.swarm.strikes("lost-message")) return;
      this.message(body);
      if (this.swarm.strikes("duplicate-message")) this.message(body);
    });
  }
  message(body) {
    this.scheduler.after(
      1 + this.scheduler.random.below(500),
      `message ${body}`,
      () => this.lambda.invoke("advance", { Records: [{ messageId: "m", body }] }, () => void 0)
    );
  }
  makePollers() {
    const most = this.options.batch ?? 6;
    for (const { name, connector } of this.plan.sources) {
      const logs = this.logs.filter(({ plan: { source: source2 } }) => source2 === name);
      const size = connector === "kafka" ? this.options.partitionsPerPoller ?? logs.length : 1;
      for (let at = 0; at < logs.length; at += size)
        this.pollers.push(new Poller(this.ports, this.lambda, logs.slice(at, at + size), logs, most));
    }
  }
  startPollers() {
    for (const poller of this.pollers) poller.start();
  }
  /** The schedule. */
  tick() {
    const { scheduler, swarm } = this;
    scheduler.after(
      1 + scheduler.random.below((this.options.tickMs ?? 2e4) * (this.isSettling ? 500 : this.isDelivered ? 20 : 1)),
      TICK,
      () => {
        this.tick();
        if (swarm.strikes("lost-tick") || this.ticking > 1) return;
        this.ticking++;
        const isOther = this.table.items.find({ pk: `${this.prefix}#pipeline`, sk: "!" }) !== void 0 && swarm.strikes("other-graph");
        const settle = ({ failed }) => {
          this.ticking--;
          if (failed === void 0 && !isOther) this.checks.keptMs = scheduler.now;
        };
        this.lambda.invoke("tick", {}, settle, void 0, isOther);
      }
    );
  }
  isDone() {
    if (this.vandal.isAtWork) return false;
    if (!this.pollers.every((poller) => poller.isDone) || !this.logs.every((log) => this.isAccounted(log))) return false;
    if (!this.isDelivered) {
      this.isDelivered = true;
      this.horizonMs = this.options.horizonMs(this);
      this.scheduler.note("everything is delivered");
    }
    return this.isClosed();
  }
  /** A loss that is told of without being certain: whoever reads the log knows. */
  doubt(name, position, next) {
    const log = this.logs.find(({ plan: plan2, splitId }) => `${plan2.source}/${splitId}` === name);
    if (log === void 0) return;
    log.loses(log.after(position), Math.min(log.kept, log.indexOf(next)));
  }
  /** The splits that a source lists by now as coming after this one. */
  childrenOf(name) {
    return this.logs.filter(
      ({ plan: plan2 }) => !this.swarm.counts.has("list-incomplete") && plan2.parents?.some((parent) => `${plan2.source}/${parent}` === name)
    ).filter((log) => log.isListed(this.scheduler.now)).map((log) => log.name);
  }
  isCounted(name, to) {
    const log = this.logs.find(({ plan: plan2, splitId }) => `${plan2.source}/${splitId}` === name);
    return log !== void 0 && this.operator.positionOf(log) >= to;
  }
  isAccounted(log) {
    if (this.operator.isStopped(log)) return false;
    const first2 = log.after(this.operator.positionOf(log));
    if (log.generation > 0 && this.operator.isBehind(log)) return false;
    return first2 >= log.kept || log.lost.some(({ record }) => record === log.records[first2]);
  }
  /** Every stage has published past the horizon, and every key group is done up to it. */
  isClosed() {
    const { items } = this.table;
    for (const stage of this.plan.stages) {
      const { published } = readWatermark(items.find(watermarkKey(this.prefix, stage.index))?.item);
      if (stage.operators.length > 0 && published < this.horizonMs) return false;
      for (const { name, keyGroups, slices } of stage.operators) {
        const frontier = published >= TIME_MAX ? TIME_MAX : slices.frontier(published);
        for (let keyGroup = 0; keyGroup < keyGroups; keyGroup++) {
          const item = items.find(groupKey(this.prefix, name, keyGroup))?.item;
          const at = item === void 0 ? { slice: TIME_MIN, hash: void 0 } : readCursor(item.cursor);
          if (at.slice < frontier || at.hash !== void 0) return false;
        }
      }
    }
    return true;
  }
  /** What a handler may throw in this world: what the world did to it, and what it says loudly on purpose. */
  isExpected(error) {
    if (!(error instanceof MillraceError)) return false;
    const { swarm } = this;
    switch (error.code) {
      case "event-shape":
        return swarm.counts.has("malformed-event");
      case "split-stopped":
        return swarm.counts.has("trim") || swarm.counts.has("topic-remade");
      case "damaged-state":
      case "lost-state":
      case "unknown-format":
        return swarm.counts.has("bit-flip") || swarm.counts.has("lost-segment") || swarm.counts.has("future-format");
      default:
        return error instanceof RetryableError;
    }
  }
};
var TICK = "tick";

// lib/aggregate/aggregate.ts
function comparePlaces(a, b) {
  return a.turn - b.turn || compareOrigins(a, b);
}
function compareOrigins(a, b) {
  return a.timestamp - b.timestamp || compareText(a.split, b.split) || compareText(a.position, b.position);
}
function compareText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
function readJson(kind, value) {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value + 0 : null;
    case "undefined":
      return null;
    case "object":
      if (value === null) return null;
      if (value instanceof Promise) throw notJson(kind, "a promise");
      return throughJson(kind, value);
    default:
      throw notJson(kind, `a ${typeof value}`);
  }
}
function throughJson(kind, value) {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    throw notJson(kind, "an object that is no JSON");
  }
}
function notJson(kind, what) {
  return new TypeError(`${kind}() keeps JSON; its function gave ${what}`);
}
function readNumber(kind, value) {
  if (typeof value === "number") return value;
  if (value === null || value === void 0) return void 0;
  throw new TypeError(`${kind}() folds numbers; its function gave ${Array.isArray(value) ? "an array" : typeof value}`);
}

// lib/aggregate/exact.ts
var SCALE = 2148n;
var LARGE = 2 ** 900;
var SMALL = 2 ** -900;
function addExact(sum2, x) {
  if (typeof sum2 === "number") {
    const next = sum2 + x;
    if (Number.isSafeInteger(next) && Number.isInteger(x)) return next;
    return addPartial({ parts: sum2 === 0 ? [] : [sum2], big: 0n, odd: [0, 0, 0] }, x, 1);
  }
  return addPartial(sum2, x, 1);
}
function subtractExact(sum2, x) {
  if (Number.isFinite(x)) return addExact(sum2, -x);
  return addPartial(typeof sum2 === "number" ? { parts: sum2 === 0 ? [] : [sum2], big: 0n, odd: [0, 0, 0] } : sum2, x, -1);
}
function addPartial(sum2, x, sign) {
  if (!Number.isFinite(x)) {
    sum2.odd[Number.isNaN(x) ? 0 : x > 0 ? 1 : 2] += sign;
    return sum2;
  }
  const magnitude = Math.abs(x);
  if (magnitude > LARGE || magnitude < SMALL && x !== 0) {
    sum2.big += scaled(x, SCALE);
    return sum2;
  }
  const { parts } = sum2;
  let kept = 0;
  let carry = x;
  for (let i = 0; i < parts.length; i++) {
    let y = parts[i];
    if (Math.abs(carry) < Math.abs(y)) {
      const swap = carry;
      carry = y;
      y = swap;
    }
    const high = carry + y;
    const low = y - (high - carry);
    if (low !== 0) parts[kept++] = low;
    carry = high;
  }
  parts.length = kept;
  if (carry !== 0) parts.push(carry);
  return sum2;
}
function mergeExact(a, b) {
  if (typeof b === "number") return addExact(cloneExact(a), b);
  const sum2 = cloneExact(b);
  if (typeof a === "number") return addExact(sum2, a);
  for (const part3 of a.parts) addPartial(sum2, part3, 1);
  sum2.big += a.big;
  for (let i = 0; i < 3; i++) sum2.odd[i] += a.odd[i];
  return sum2;
}
function cloneExact(sum2) {
  return typeof sum2 === "number" ? sum2 : { parts: [...sum2.parts], big: sum2.big, odd: [...sum2.odd] };
}
function oddValue(sum2) {
  if (typeof sum2 === "number") return void 0;
  const [nan, up, down] = sum2.odd;
  if (nan !== 0 || up !== 0 && down !== 0) return Number.NaN;
  if (up !== 0) return Number.POSITIVE_INFINITY;
  return down !== 0 ? Number.NEGATIVE_INFINITY : void 0;
}
function wholeValue(sum2) {
  if (typeof sum2 === "number") return BigInt(sum2) << SCALE;
  let whole = sum2.big;
  for (const part3 of sum2.parts) whole += scaled(part3, SCALE);
  return whole;
}
function roundExact(sum2) {
  if (typeof sum2 === "number") return sum2 + 0;
  const odd = oddValue(sum2);
  if (odd !== void 0) return odd;
  if (sum2.big === 0n && sum2.parts.length < 2) return sum2.parts[0] ?? 0;
  return ratio(wholeValue(sum2), 1n << SCALE);
}
function meanExact(sum2, count2) {
  if (count2 <= 0) return null;
  if (typeof sum2 === "number") return sum2 / count2 + 0;
  return oddValue(sum2) ?? ratio(wholeValue(sum2), BigInt(count2) << SCALE);
}
var view = new DataView(new ArrayBuffer(8));
function scaled(x, scale) {
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = bits >> 52n & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = exponent === 0n ? fraction : fraction | 0x10000000000000n;
  const shift = scale - 1074n + (exponent === 0n ? 0n : exponent - 1n);
  return bits >> 63n ? -(mantissa << shift) : mantissa << shift;
}
function bitLength(x) {
  const hex = x.toString(16);
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex[0], 16)) - 28);
}
function ratio(above, below) {
  if (above === 0n) return 0;
  const negative = above < 0n;
  const top = negative ? -above : above;
  const shift = 64 - (bitLength(top) - bitLength(below));
  const dividend = shift > 0 ? top << BigInt(shift) : top;
  const divisor = shift < 0 ? below << BigInt(-shift) : below;
  const quotient = dividend / divisor;
  const sticky = quotient * divisor !== dividend;
  const bits = bitLength(quotient);
  const exponent = bits - 1 - shift;
  const precision = Math.min(53, exponent + 1075);
  let rounded = 0n;
  const drop = BigInt(bits - Math.max(precision, 0));
  if (precision >= 0) {
    rounded = quotient >> drop;
    const rest = quotient - (rounded << drop);
    const half = 1n << drop - 1n;
    if (rest > half || rest === half && (sticky || (rounded & 1n) === 1n)) rounded += 1n;
  }
  const power = Number(drop) - shift;
  const value = power < -1e3 ? Number(rounded) * 2 ** -500 * 2 ** (power + 500) : power > 900 ? Number(rounded) * 2 ** 900 * 2 ** (power - 900) : Number(rounded) * 2 ** power;
  return negative ? 0 - value : value;
}
function encodeExact(sum2) {
  if (typeof sum2 === "number") return sum2;
  return [sum2.parts, sum2.big === 0n ? 0 : sum2.big.toString(36), sum2.odd.some(Boolean) ? sum2.odd : 0];
}
function decodeExact(json) {
  if (typeof json === "number") return json;
  const [parts, big, odd] = json;
  return { parts: [...parts], big: big === 0 ? 0n : parseBase36(big), odd: odd === 0 ? [0, 0, 0] : [...odd] };
}
function parseBase36(text2) {
  const negative = text2.startsWith("-");
  let value = 0n;
  for (const digit of negative ? text2.slice(1) : text2) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return negative ? -value : value;
}

// lib/aggregate/numbers.ts
var plain = { options: {}, invertible: true, ordered: false, fragile: false };
function count(of) {
  return Object.freeze({
    ...plain,
    kind: of === void 0 ? "count" : "count-if",
    read: of === void 0 ? () => 1 : (row) => {
      const value = of(row);
      return value === null || value === void 0 || value === false ? void 0 : 1;
    },
    create: () => 0,
    add: (acc, _, weight) => acc + weight,
    merge: (a, b) => a + b,
    result: (acc) => acc,
    encode: (acc) => acc,
    decode: (json) => json
  });
}
function sum(of) {
  return Object.freeze({
    ...plain,
    kind: "sum",
    read: (row) => readNumber("sum", of(row)),
    create: () => 0,
    add: (acc, x, weight) => weight === 1 ? addExact(acc, x) : subtractExact(acc, x),
    merge: mergeExact,
    result: roundExact,
    encode: encodeExact,
    decode: decodeExact
  });
}
function avg(of) {
  return Object.freeze({
    ...plain,
    kind: "avg",
    read: (row) => readNumber("avg", of(row)),
    create: () => ({ sum: 0, count: 0 }),
    add(acc, x, weight) {
      acc.sum = weight === 1 ? addExact(acc.sum, x) : subtractExact(acc.sum, x);
      acc.count += weight;
      return acc;
    },
    merge: (a, b) => ({ sum: mergeExact(a.sum, b.sum), count: a.count + b.count }),
    result: (acc) => meanExact(acc.sum, acc.count),
    encode: (acc) => [encodeExact(acc.sum), acc.count],
    // By index: taking an array apart costs an iterator, here once a fold.
    decode: (json) => ({ sum: decodeExact(json[0]), count: json[1] })
  });
}

// lib/aggregate/order.ts
var plain2 = { options: {}, invertible: false, ordered: false, fragile: false };
function readComparable(kind, value) {
  if (typeof value === "number") return value + 0;
  if (typeof value === "string") return value;
  if (value === null || value === void 0) return void 0;
  throw new TypeError(
    `${kind}() compares numbers or strings; its function gave ${Array.isArray(value) ? "an array" : typeof value}`
  );
}
function beats(a, b, sign) {
  if (typeof a !== typeof b) return (typeof a === "number" ? -1 : 1) * sign < 0;
  if (typeof a === "number" && (Number.isNaN(a) || Number.isNaN(b))) return Number.isNaN(a) && !Number.isNaN(b);
  return sign === 1 ? a < b : a > b;
}
function extreme(kind, sign, of) {
  const better = (a, b) => a === null || beats(b, a, sign) ? b : a;
  return Object.freeze({
    ...plain2,
    kind,
    read: (row) => readComparable(kind, of(row)),
    create: () => null,
    add: better,
    merge: (a, b) => b === null ? a : better(a, b),
    result: (acc) => acc,
    encode: encodeNumber,
    decode: decodeNumber
  });
}
function encodeNumber(value) {
  return typeof value === "number" && !Number.isFinite(value) ? [String(value)] : value;
}
function decodeNumber(json) {
  return Array.isArray(json) ? Number(json[0]) : json;
}
function min(of) {
  return extreme("min", 1, of);
}
function max(of) {
  return extreme("max", -1, of);
}
function pick(kind, by, of, sign) {
  const wins = (a, b) => {
    if (by === void 0) {
      const order = compareOrigins(b, a);
      return sign === 1 ? order < 0 : order >= 0;
    }
    if (beats(b.by, a.by, sign)) return true;
    return !beats(a.by, b.by, sign) && compareOrigins(b, a) < 0;
  };
  return Object.freeze({
    ...plain2,
    kind,
    read(row) {
      const rank2 = by === void 0 ? null : readComparable(kind, by(row));
      return rank2 === void 0 ? void 0 : { rank: rank2, value: readJson(kind, of(row)) };
    },
    create: () => null,
    add(acc, input, _, place) {
      if (acc !== null && by === void 0 && (place.timestamp - acc.timestamp) * sign > 0) return acc;
      const next = {
        by: input.rank,
        timestamp: place.timestamp,
        split: place.split,
        position: place.position,
        value: input.value
      };
      return acc === null || wins(acc, next) ? next : acc;
    },
    merge: (a, b) => a === null ? b : b === null ? a : wins(a, b) ? b : a,
    result: (acc) => acc === null ? null : acc.value,
    encode: (acc) => acc && [encodeNumber(acc.by), acc.timestamp, acc.split, acc.position, acc.value],
    decode(json) {
      return json && { by: decodeNumber(json[0]), timestamp: json[1], split: json[2], position: json[3], value: json[4] };
    }
  });
}
function first(of) {
  return pick("first", void 0, of, 1);
}
function last(of) {
  return pick("last", void 0, of, -1);
}

// lib/aggregate/sets.ts
init_base();
function placed(place, value) {
  return { turn: place.turn, timestamp: place.timestamp, split: place.split, position: place.position, value };
}
function insert(list, item, compare3) {
  let low = 0;
  let high = list.length;
  if (high > 0 && compare3(list[high - 1], item) <= 0) low = high;
  while (low < high) {
    const middle = low + high >> 1;
    if (compare3(list[middle], item) <= 0) low = middle + 1;
    else high = middle;
  }
  if (low === list.length) list.push(item);
  else list.splice(low, 0, item);
}
function mergeSorted(a, b, compare3, most) {
  const out = [];
  for (let i = 0, j = 0; (i < a.length || j < b.length) && out.length < most; ) {
    if (j >= b.length || i < a.length && compare3(a[i], b[j]) <= 0) out.push(a[i++]);
    else out.push(b[j++]);
  }
  return out;
}
var encodeList = (list) => list.map((p) => [p.turn, p.timestamp, p.split, p.position, p.value]);
var decodeList = (json) => json.map(([turn, timestamp, split, position, value]) => ({ turn, timestamp, split, position, value }));
function checkMax(kind, max2) {
  if (Number.isSafeInteger(max2) && max2 >= 1 && max2 <= 1e6) return max2;
  throw new ConfigError("bad-aggregate", `The max of ${kind}() is a whole number from 1 to 1000000; it is ${max2}.`);
}
function collect(of, options2 = {}) {
  const max2 = checkMax("collect", options2.max ?? 100);
  return Object.freeze({
    kind: "collect",
    options: { max: max2 },
    invertible: false,
    ordered: false,
    fragile: false,
    read: (row) => ({ value: readJson("collect", of(row)) }),
    create: () => [],
    add(acc, input, _, place) {
      if (acc.length >= max2 && compareOrigins(place, acc[max2 - 1]) >= 0) return acc;
      insert(acc, placed(place, input.value), compareOrigins);
      if (acc.length > max2) acc.length = max2;
      return acc;
    },
    merge: (a, b) => mergeSorted(a, b, compareOrigins, max2),
    result: (acc) => acc.map((p) => p.value),
    encode: encodeList,
    decode: decodeList
  });
}
function distinctCount(of, options2 = {}) {
  const max2 = checkMax("distinctCount", options2.max ?? 1e4);
  const bounded = (set) => set.size > max2 ? null : set;
  return Object.freeze({
    kind: "distinct-count",
    options: { max: max2 },
    invertible: false,
    ordered: false,
    fragile: false,
    read(row) {
      const value = of(row);
      return value === void 0 || value === null ? void 0 : encodeKey(value);
    },
    create: () => /* @__PURE__ */ new Set(),
    add: (acc, value) => acc && bounded(acc.add(value)),
    merge: (a, b) => a && b && bounded(/* @__PURE__ */ new Set([...a, ...b])),
    result: (acc) => acc === null ? null : acc.size,
    encode: (acc) => acc && [...acc],
    decode: (json) => json && new Set(json)
  });
}
function custom(definition) {
  const { name, init, add, merge, result, ordered = false } = definition ?? {};
  if (typeof name !== "string" || name === "")
    throw new ConfigError("bad-aggregate", "A custom aggregate needs a name: it is part of the fingerprint.");
  if (!ordered && merge === void 0) {
    throw new ConfigError(
      "bad-aggregate",
      `The custom aggregate "${name}" needs merge, or ordered: true to be folded in order when its window closes.`
    );
  }
  for (const [part3, fn] of Object.entries({ init, add, result, ...!ordered && { merge } })) {
    if (typeof fn !== "function")
      throw new ConfigError(
        "bad-aggregate",
        `${part3} of the custom aggregate "${name}" is a function; it is ${typeof fn}.`
      );
  }
  const shared = { kind: `custom:${name}`, invertible: false, ordered };
  if (ordered) {
    return Object.freeze({
      ...shared,
      options: { ordered },
      fragile: false,
      read: (row) => ({ row: readJson(shared.kind, row) }),
      create: () => [],
      add(acc, input, _, place) {
        insert(acc, placed(place, input.row), comparePlaces);
        return acc;
      },
      merge: (a, b) => mergeSorted(a, b, comparePlaces, Number.POSITIVE_INFINITY),
      result: (acc) => result(acc.reduce((folded, p) => add(folded, p.value), init())),
      encode: encodeList,
      decode: decodeList
    });
  }
  return Object.freeze({
    ...shared,
    options: {},
    fragile: true,
    read: (row) => ({ row }),
    create: init,
    add: (acc, input) => add(acc, input.row),
    merge,
    result,
    encode: (acc) => acc,
    decode: (json) => json
  });
}

// lib/sinks/node.ts
init_base();
function sinkNode(name, connector) {
  checkName("sink", name);
  return Object.freeze({ kind: "sink", name, options: Object.freeze({}), ...connector });
}

// lib/sinks/file/index.ts
function ndjson(name, options2 = {}) {
  const directory = options2.directory ?? ".";
  const open3 = async () => (await Promise.resolve().then(() => (init_adapter(), adapter_exports))).fileSink(`${directory}/${name}`);
  return sinkNode(name, { connector: "ndjson", local: false, options: Object.freeze({ directory }), open: open3 });
}

// lib/sources/node.ts
init_base();
function sourceNode(name, options2, connector) {
  checkName("source", name);
  const { schema, timestamp, watermark, partitionKey } = options2 ?? {};
  if (typeof timestamp !== "function") {
    throw new ConfigError(
      "bad-source",
      `The source "${name}" needs timestamp: a function from a record to its event time in ms, such as o => iso(o.orderedAt).`
    );
  }
  if (watermark?.kind !== "out-of-order" && watermark?.kind !== "custom") {
    throw new ConfigError(
      "bad-source",
      `The source "${name}" needs watermark: outOfOrder('30s'), monotonous() or customWatermark(...). It says how late a record may be.`
    );
  }
  if (schema !== void 0) checkSchema(name, schema);
  if (partitionKey !== void 0 && typeof partitionKey !== "function") {
    throw new ConfigError(
      "bad-source",
      `partitionKey of the source "${name}" is a function from a record to text; it is ${typeof partitionKey}.`
    );
  }
  const onFutureDrift = options2.onFutureDrift ?? "reject";
  if (onFutureDrift !== "reject" && onFutureDrift !== "clamp") {
    throw new ConfigError(
      "bad-source",
      `onFutureDrift of the source "${name}" is 'reject' or 'clamp'; it is ${shown(onFutureDrift)}.`
    );
  }
  const recordBytesMax = options2.recordBytesMax ?? RECORD_BYTES_MAX;
  if (!Number.isSafeInteger(recordBytesMax) || recordBytesMax < 1 || recordBytesMax > 16 * RECORD_BYTES_MAX) {
    throw new ConfigError(
      "bad-source",
      `recordBytesMax of the source "${name}" is a whole number from 1 to ${16 * RECORD_BYTES_MAX}; it is ${recordBytesMax}.`
    );
  }
  return Object.freeze({
    kind: "source",
    name,
    schema,
    timestamp,
    watermark,
    partitionKey,
    onFutureDrift,
    recordBytesMax,
    maxFutureDriftMs: options2.maxFutureDrift === void 0 && !connector.hasArrivalTime ? TIME_MAX : milliseconds(options2.maxFutureDrift ?? "1d", `maxFutureDrift of the source "${name}"`),
    ...connector
  });
}
function checkSchema(name, schema) {
  const standard = schema?.["~standard"];
  if (standard?.version !== 1 || typeof standard.validate !== "function") {
    throw new ConfigError(
      "bad-schema",
      `The schema of the source "${name}" must be a Standard Schema, as zod 3.24+, valibot 1+ and arktype 2+ make them.`
    );
  }
  let tried;
  try {
    tried = standard.validate(void 0);
  } catch {
    return;
  }
  if (tried instanceof Promise) {
    tried.catch(() => void 0);
    throw new ConfigError(
      "async-schema",
      `The schema of the source "${name}" validates asynchronously; ingest has no await in its loop. Use a synchronous schema.`
    );
  }
}

// lib/sources/file/index.ts
function fileSource(name, options2) {
  const open3 = async () => (await Promise.resolve().then(() => (init_decoder(), decoder_exports))).fileDecoder();
  return sourceNode(name, options2, { connector: "file", hasArrivalTime: false, open: open3 });
}

// lib/sources/kafka/index.ts
function kafkaSource(name, options2) {
  const open3 = async () => (await Promise.resolve().then(() => (init_decoder2(), decoder_exports2))).kafkaDecoder();
  return sourceNode(name, options2, { connector: "kafka", hasArrivalTime: true, open: open3 });
}

// lib/sources/kinesis/index.ts
function kinesisSource(name, options2) {
  const open3 = async () => (await Promise.resolve().then(() => (init_decoder3(), decoder_exports3))).kinesisDecoder();
  return sourceNode(name, options2, { connector: "kinesis", hasArrivalTime: true, open: open3 });
}

// lib/time/watermark.ts
init_base();
function outOfOrder2(bound2) {
  return Object.freeze({ kind: "out-of-order", boundMs: milliseconds(bound2, "The bound of outOfOrder") });
}

// test/sim/spec.ts
var ODD_KEYS = ["a#b", "", "\0", "a|b", "\u{1F600}", "a,b;c", "~", "a b"];
function keyOf(kind, row) {
  const n = row.k ?? String(row.key).length;
  switch (kind) {
    case "plain":
      return `k${n}`;
    case "odd":
      return ODD_KEYS[n % ODD_KEYS.length];
    case "number":
      return n - 1.5;
    case "boolean":
      return n % 2 === 0;
    case "tuple":
      return [`k${n}`, n % 2 === 0, n];
    case "one":
      return "all";
  }
}
function numberOf(row) {
  return row.v ?? row.value.count;
}
function idOf(row) {
  return row.id;
}
function runStep(step, row) {
  switch (step.kind) {
    case "filter":
      return row.id % step.mod === step.rest ? [] : [row];
    case "map":
      if (row.boom === true) throw new Error("a step throws");
      return [{ ...row, v: row.v + step.add }];
    case "flat":
      return Array.from({ length: row.id % (step.times + 1) }, (_, copy) => ({ ...row, copy }));
  }
}
function refuses(sink, value) {
  if (sink.startsWith("out") && Math.abs(value.window.end / 1e3) % 3 === 1) return "the window is not to its taste";
  if (sink === "passed" && value.id % 7 === 3) return "the id is not to its taste";
  return void 0;
}
var DRIFT_MS = 6e5;
var RECORD_BYTES_MAX2 = 400;
var isFussy = (v) => v % 16 === 5;

// test/sim/build.ts
var SOURCES = { kinesis: kinesisSource, kafka: kafkaSource, file: fileSource };
function sourceOf2(spec, die) {
  return SOURCES[spec.connector](spec.name, {
    timestamp: (event, meta) => {
      if (event.kill === true) die(meta.source, meta.split, meta.position);
      return event.t;
    },
    watermark: outOfOrder2(spec.boundMs),
    maxFutureDrift: DRIFT_MS,
    onFutureDrift: spec.onFutureDrift,
    recordBytesMax: RECORD_BYTES_MAX2
  });
}
var AGGREGATES = {
  count: () => count(),
  sum: () => sum(numberOf),
  avg: () => avg(numberOf),
  min: () => min(numberOf),
  max: () => max(numberOf),
  first: () => first(idOf),
  last: () => last(idOf),
  distinct: () => distinctCount(numberOf),
  ids: () => collect(idOf, { max: 1e3 }),
  fussy: () => custom({
    name: "fussy",
    init: () => ({ n: 0 }),
    add: (acc, row) => {
      acc.n++;
      if (isFussy(numberOf(row))) throw new Error("a fold throws half-way");
      return acc;
    },
    merge: (a, b) => ({ n: a.n + b.n }),
    result: (acc) => acc.n
  }),
  trail: () => custom({
    name: "trail",
    ordered: true,
    init: () => "",
    add: (acc, row) => `${acc}>${idOf(row)}`,
    result: (acc) => acc
  })
};
function windowOf({ window }) {
  if (window.kind === "tumbling") return tumbling(window.sizeMs);
  return window.kind === "hopping" ? hopping(window.sizeMs, window.stepMs) : cumulate(window.sizeMs, window.stepMs);
}
function build(spec, die) {
  const options2 = {
    keyGroups: spec.keyGroups,
    deadLetter: ndjson("dead"),
    minAdvance: spec.minAdvanceMs,
    idle: { after: spec.idleAfterMs, close: spec.idleClose }
  };
  return pipeline(spec.name, options2, (p) => {
    const sources = spec.sources.map((source2) => sourceOf2(source2, die));
    let rows = p.from(...sources);
    for (const step of spec.steps) {
      if (step.kind === "filter") rows = rows.filter((row) => runStep(step, row).length > 0);
      else if (step.kind === "map") rows = rows.map((row) => runStep(step, row)[0]);
      else rows = rows.flatMap((row) => runStep(step, row));
    }
    const { side } = spec;
    if (side !== void 0) {
      const isSide = (row) => row.id % side.mod === side.rest;
      rows = rows.sideOutput(isSide, (rest) => rest.to(ndjson("side")));
    }
    if (spec.hasPassed) rows = rows.to(ndjson("passed"));
    for (const [i, operator2] of spec.operators.entries()) {
      rows = rows.keyBy((row) => keyOf(operator2.key, row)).window(windowOf(operator2), {
        allowedLateness: operator2.latenessMs,
        accumulation: operator2.accumulation,
        offset: operator2.window.offsetMs,
        ...operator2.hasLate && { late: ndjson(`late${i}`) }
      }).aggregate(operator2.name, Object.fromEntries(operator2.aggregates.map((name) => [name, AGGREGATES[name]()]))).to(ndjson(`out${i}`));
    }
  });
}

// test/sim/generate.ts
import fc from "fast-check";
var sourceSpec = (index) => fc.record({
  name: fc.constant(`source${index}`),
  connector: fc.constantFrom("kinesis", "kafka", "file"),
  boundMs: fc.constantFrom(0, 500, 2e3, 4e3),
  splits: fc.integer({ min: 1, max: 3 }),
  onFutureDrift: fc.constantFrom("reject", "clamp"),
  isAggregated: fc.boolean(),
  hasNoArrival: fc.boolean()
});
var stepSpec = fc.oneof(
  fc.record({ kind: fc.constant("filter"), mod: fc.constant(5), rest: fc.nat(4) }),
  fc.record({ kind: fc.constant("map"), add: fc.integer({ min: -4, max: 4 }) }),
  fc.record({ kind: fc.constant("flat"), times: fc.integer({ min: 1, max: 2 }) })
);
var windowKind = fc.tuple(
  fc.constantFrom(
    ["tumbling", 1e4, 1e4],
    ["tumbling", 4e3, 4e3],
    ["tumbling", 1500, 1500],
    ["hopping", 12e3, 4e3],
    ["hopping", 1e4, 4e3],
    ["hopping", 6e3, 9e3],
    ["cumulate", 2e4, 5e3],
    ["cumulate", 9e3, 3e3]
  ),
  fc.constantFrom(0, 0, 1e3, -700)
).map(([[kind, sizeMs, stepMs], offsetMs]) => ({ kind, sizeMs, stepMs, offsetMs }));
var OF_EVENTS = [
  "sum",
  "avg",
  "min",
  "max",
  "first",
  "last",
  "distinct",
  "ids",
  "fussy",
  "trail"
];
var OF_RESULTS = ["sum", "avg", "min", "max", "distinct"];
var INVERTIBLE = ["sum", "avg"];
var operatorDraft = (index) => fc.record({
  name: fc.constant(`op${index}`),
  key: fc.constantFrom("plain", "odd", "number", "boolean", "tuple", "one"),
  window: windowKind,
  latenessMs: fc.constantFrom(0, 0, 700, 3e3, 7e3, 15e3, 3e4),
  accumulation: fc.constantFrom("accumulating", "discarding", "retracting"),
  picks: fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }),
  hasLate: fc.boolean()
});
function chained(drafts) {
  const operators = [];
  for (const [i, { picks, ...draft }] of drafts.entries()) {
    const upstream = operators[i - 1];
    const isTakenBack = upstream !== void 0 && upstream.latenessMs > 0 && upstream.accumulation === "retracting";
    const names = upstream === void 0 ? OF_EVENTS : isTakenBack ? INVERTIBLE : OF_RESULTS;
    const aggregates = [.../* @__PURE__ */ new Set(["count", ...picks.map((pick2) => names[pick2 % names.length])])];
    const isRead2 = i + 1 < drafts.length && draft.latenessMs > 0;
    const accumulation = isRead2 && draft.accumulation === "accumulating" ? "discarding" : draft.accumulation;
    operators.push({ ...draft, accumulation, aggregates });
  }
  return operators;
}
var anySpec = fc.record({
  sources: fc.integer({ min: 1, max: 10 }).chain((n) => fc.tuple(sourceSpec(0), ...n > 7 ? [sourceSpec(1)] : [])),
  keyGroups: fc.constantFrom(1, 2, 3, 6, 9),
  minAdvanceMs: fc.constantFrom(0, 0, 2e3),
  idleAfterMs: fc.constantFrom(4e3, 3e4, 6e4),
  idleClose: fc.boolean(),
  steps: fc.array(stepSpec, { maxLength: 2 }),
  side: fc.option(fc.record({ mod: fc.constant(4), rest: fc.nat(3) }), { nil: void 0, freq: 3 }),
  hasPassed: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  operators: fc.integer({ min: 0, max: 9 }).chain(
    (n) => fc.tuple(
      ...[operatorDraft(0), operatorDraft(1), operatorDraft(2)].slice(0, n === 0 ? 0 : n < 7 ? 1 : n < 9 ? 2 : 3)
    )
  ).map((drafts) => chained(drafts))
}).map((spec) => ({
  ...spec,
  name: "random",
  // A pipeline that hands nothing on is refused.
  hasPassed: spec.hasPassed || spec.operators.length === 0
}));
function specOf(seed) {
  return fc.sample(anySpec, { seed, numRuns: 1 })[0];
}

// test/sim/interpret.ts
var ROUND_S = [0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600];
var gcd2 = (a, b) => b === 0 ? a : gcd2(b, a % b);
var floorTo = (t, step, offset) => Math.floor((t - offset) / step) * step + offset;
function sliceWidth({ window, latenessMs }) {
  const grid = window.kind === "hopping" ? gcd2(window.sizeMs, window.stepMs) : window.stepMs;
  const limit = latenessMs > 0 ? Math.min(36e5, latenessMs) : 36e5;
  if (grid <= limit) return grid;
  const fit = ROUND_S.map((s) => s * 1e3).filter((ms) => ms <= limit && grid % ms === 0);
  return Math.max(...fit);
}
function windowsOf({ window }, t) {
  const { kind, sizeMs, stepMs, offsetMs } = window;
  const found = [];
  if (kind === "cumulate") {
    const start = floorTo(t, sizeMs, offsetMs);
    for (let end2 = start + stepMs; end2 <= start + sizeMs; end2 += stepMs) if (end2 > t) found.push({ start, end: end2 });
    return found;
  }
  for (let start = floorTo(t, stepMs, offsetMs); start > t - sizeMs; start -= stepMs)
    found.push({ start, end: start + sizeMs });
  return found;
}
function interpret(spec, splits, refuses2) {
  const rows = /* @__PURE__ */ new Map();
  const tallies = /* @__PURE__ */ new Map();
  const owns = /* @__PURE__ */ new Map();
  const states = spec.operators.map(() => /* @__PURE__ */ new Map());
  let topMs = Number.NEGATIVE_INFINITY;
  const emit = (sink, value, of) => {
    const reason = refuses2(sink, value);
    const list = rows.get(reason === void 0 ? sink : "dead") ?? [];
    rows.set(reason === void 0 ? sink : "dead", list);
    list.push(
      reason === void 0 ? canonical(value) : canonical({ reason: "sink-refused", source: of.source, payload: value })
    );
  };
  const tallyOf = (name) => {
    const operators = spec.operators.slice(0, 1).map(() => ({ counted: 0, late: 0, expired: 0 }));
    const tally = tallies.get(name) ?? { in: 0, rejected: 0, filtered: 0, passed: 0, operators };
    tallies.set(name, tally);
    return tally;
  };
  for (const split of parentsFirst(splits)) {
    const source2 = spec.sources.find(({ name: name2 }) => name2 === split.source);
    const name = `${split.source}/${split.split}`;
    const tally = tallyOf(name);
    let own = Math.min(
      ...split.parents.map((parent) => owns.get(`${split.source}/${parent}`) ?? Number.POSITIVE_INFINITY)
    );
    if (own === Number.POSITIVE_INFINITY) own = Number.NEGATIVE_INFINITY;
    let top = own;
    let before = "0";
    let skipped;
    for (const [at, record] of split.records.entries()) {
      tally.in++;
      if (split.skipsAfter.has(before)) skipped = record.unit;
      const isSkipped = skipped === record.unit;
      before = record.position;
      if (record.is === "tombstone" && !isSkipped) {
        tally.filtered++;
        continue;
      }
      const judged = isSkipped ? "skipped" : judge3(source2, record, top, split.limitAt(record.position));
      if (typeof judged === "string") {
        if (isSkipped && split.records[at + 1]?.unit === record.unit) tally.rejected++;
        else reject2(split, record, judged);
        continue;
      }
      const { event, timestamp } = judged;
      const effective2 = Math.max(own, split.gateAt(record.position));
      const outcome = take(split, record, event, timestamp, effective2);
      if (outcome === "rejected") {
        reject2(split, record, "step-threw");
        continue;
      }
      if (outcome === "filtered") tally.filtered++;
      else tally.passed++;
      own = Math.max(own, timestamp - source2.boundMs);
      top = Math.max(top, timestamp);
      topMs = Math.max(topMs, timestamp);
    }
    owns.set(name, own);
  }
  for (const [i] of spec.operators.entries()) close(i);
  for (const list of rows.values()) list.sort();
  return { rows, tallies, topMs };
  function reject2(split, record, reason) {
    tallyOf(`${split.source}/${split.split}`).rejected++;
    emit("dead", { reason, source: split.source, split: split.split, position: record.position }, split);
  }
  function take(split, record, event, timestamp, own) {
    let list = [event];
    try {
      for (const step of spec.steps) list = list.flatMap((row) => runStep(step, row));
    } catch {
      return "rejected";
    }
    const isSide = (row) => spec.side !== void 0 && row.id % spec.side.mod === spec.side.rest;
    const main2 = list.filter((row) => !isSide(row));
    const inputs = main2.map((value) => ({
      value,
      timestamp,
      own,
      weight: 1,
      place: { split: `${split.source}/${split.split}`, position: record.position },
      turn: Math.max(timestamp, own)
    }));
    const [operator2] = spec.operators;
    if (operator2?.aggregates.includes("fussy") === true) {
      for (const input of inputs) if (isFussy(numberOf(input.value)) && isCounted(operator2, input)) return "rejected";
    }
    for (const row of list) if (isSide(row)) emit("side", row, split);
    if (spec.hasPassed) for (const row of main2) emit("passed", row, split);
    if (operator2 !== void 0)
      for (const input of inputs) enter(0, input, split.source, tallyOf(`${split.source}/${split.split}`));
    return list.length === 0 || operator2 === void 0 && !spec.hasPassed && main2.length === list.length ? "filtered" : "passed";
  }
  function isCounted(operator2, { timestamp, own }) {
    return windowsOf(operator2, timestamp).some(({ end: end2 }) => end2 + operator2.latenessMs > own);
  }
  function enter(i, input, source2, tally) {
    const operator2 = spec.operators[i];
    const { timestamp, own, value } = input;
    const key = keyOf(operator2.key, value);
    const width = sliceWidth(operator2);
    const all2 = windowsOf(operator2, timestamp);
    const gone = all2.filter(({ end: end2 }) => end2 + operator2.latenessMs <= own).sort((a, b) => a.end - b.end);
    if (gone.length > 0) {
      if (tally !== void 0) tally.operators[0].expired += gone.length;
      const row = {
        reason: "expired",
        source: source2,
        operator: operator2.name,
        key,
        windows: { count: gone.length, first: gone[0], last: gone.at(-1) },
        timestamp,
        payload: bare(value)
      };
      emit(operator2.hasLate ? `late${i}` : "dead", row, { source: source2, split: source2 });
    }
    for (const { start, end: end2 } of all2) {
      if (end2 + operator2.latenessMs <= own) continue;
      if (tally !== void 0) {
        tally.operators[0].counted++;
        if (end2 <= own) tally.operators[0].late++;
      }
      const name = `${JSON.stringify(key)} ${start} ${end2}`;
      const cell = states[i].get(name) ?? { key, start, end: end2, closings: /* @__PURE__ */ new Map() };
      states[i].set(name, cell);
      const closing = end2 > own ? end2 : floorTo(own, width, operator2.window.offsetMs) + width;
      const list = cell.closings.get(closing) ?? [];
      list.push(input);
      cell.closings.set(closing, list);
    }
  }
  function close(i) {
    const operator2 = spec.operators[i];
    const width = sliceWidth(operator2);
    const results = [];
    for (const { key, start, end: end2, closings } of states[i].values()) {
      const lastClosing = floorTo(end2 + operator2.latenessMs - 1, width, operator2.window.offsetMs) + width;
      let all2 = [];
      for (const [index, [closing, own]] of [...closings].sort((a, b) => a[0] - b[0]).entries()) {
        const pane = {
          index,
          timing: closing === end2 ? "on-time" : "late",
          first: index === 0,
          last: closing >= lastClosing
        };
        const before = all2;
        all2 = [...all2, ...own];
        const row = (inputs, op) => ({
          key,
          value: Object.fromEntries(operator2.aggregates.map((name) => [name, aggregate2(name, inputs)])),
          window: { start, end: end2 },
          pane,
          ...op && { op }
        });
        if (operator2.accumulation !== "retracting")
          results.push({ closing, weight: 1, row: row(operator2.accumulation === "discarding" ? own : all2) });
        else {
          if (index > 0) results.push({ closing, weight: -1, row: row(before, "-") });
          results.push({ closing, weight: 1, row: row(all2, "+") });
        }
      }
    }
    for (const { closing, row, weight } of results) {
      emit(`out${i}`, row, { source: operator2.name, split: operator2.name });
      if (i + 1 === spec.operators.length) continue;
      const own = closing - width;
      const timestamp = row.window.end - 1;
      const place = { split: operator2.name, position: "" };
      enter(
        i + 1,
        { value: row, timestamp, own, weight, place, turn: Math.max(timestamp, own) },
        operator2.name,
        void 0
      );
    }
  }
}
function judge3(source2, { is, arrivalMs }, top, limit) {
  if (is === "tombstone") return "tombstone";
  if ("bad" in is) return is.bad;
  const { t } = is.event;
  if (typeof t !== "number" || !Number.isFinite(t)) return "bad-timestamp";
  const follows = (arrivalMs ?? top) + DRIFT_MS;
  if (t <= follows) return { event: is.event, timestamp: t };
  if (arrivalMs === void 0 && t <= limit) return { event: is.event, timestamp: t };
  if (source2.onFutureDrift === "reject") return "future-timestamp";
  return { event: is.event, timestamp: follows === Number.NEGATIVE_INFINITY ? limit : follows };
}
var AGGREGATES2 = {
  count: (rows) => rows.reduce((n, { weight }) => n + weight, 0),
  sum: (rows) => rows.reduce((n, { value, weight }) => n + weight * numberOf(value), 0),
  avg: (rows) => {
    const n = rows.reduce((sum2, { weight }) => sum2 + weight, 0);
    return n === 0 ? null : rows.reduce((sum2, { value, weight }) => sum2 + weight * numberOf(value), 0) / n;
  },
  min: (rows) => Math.min(...rows.map(({ value }) => numberOf(value))),
  max: (rows) => Math.max(...rows.map(({ value }) => numberOf(value))),
  first: (rows) => idOf([...rows].sort(byOrigin)[0].value),
  last: (rows) => idOf([...rows].sort(byOrigin).at(-1).value),
  distinct: (rows) => new Set(rows.map(({ value }) => numberOf(value))).size,
  ids: (rows) => [...rows].sort(byOrigin).map(({ value }) => idOf(value)),
  fussy: (rows) => rows.length,
  trail: (rows) => [...rows].sort((a, b) => a.turn - b.turn || byOrigin(a, b)).map(({ value }) => `>${idOf(value)}`).join("")
};
function aggregate2(name, rows) {
  return AGGREGATES2[name](rows);
}
function byOrigin(a, b) {
  return a.timestamp - b.timestamp || compare(a.place.split, b.place.split) || compare(a.place.position, b.place.position);
}
var compare = (a, b) => a < b ? -1 : a > b ? 1 : 0;
function parentsFirst(splits) {
  const done = [];
  const visit = (split) => {
    if (done.includes(split)) return;
    for (const parent of split.parents) {
      const found = splits.find((other) => other.source === split.source && other.split === parent);
      if (found !== void 0) visit(found);
    }
    done.push(split);
  };
  splits.forEach(visit);
  return done;
}
function bare(value) {
  const { id: _, ...rest } = value.window === void 0 ? { id: 0, ...{ whole: value } } : value;
  return value.window === void 0 ? value : rest;
}
function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "undefined";
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const names = Object.keys(value).filter((name) => value[name] !== void 0);
  return `{${names.sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

// test/sim/logs.ts
var WAKE_MS = 6e4;
function makeLogs(spec, random, swarm, options2) {
  const ids = { next: 0 };
  return spec.sources.flatMap((source2) => new LogMaker(spec, source2, random, swarm, options2, ids).make());
}
var LogMaker = class {
  spec;
  source;
  random;
  swarm;
  options;
  ids;
  constructor(spec, source2, random, swarm, options2, ids) {
    this.spec = spec;
    this.source = source2;
    this.random = random;
    this.swarm = swarm;
    this.options = options2;
    this.ids = ids;
  }
  make() {
    const { source: source2, swarm, random } = this;
    const plans2 = [];
    for (let i = 0; i < source2.splits; i++) {
      const fromMs = i > 0 && source2.connector !== "file" && swarm.strikes("partition-added") ? random.below(6e4) : 0;
      plans2.push(this.log(splitName2(source2, i), fromMs, 0));
    }
    if (source2.connector === "kinesis") this.reshard(plans2);
    return plans2;
  }
  /** A shard splits in two, or two merge; and their children may again. */
  reshard(plans2) {
    const { source: source2, swarm, random } = this;
    for (let turn = 0; turn < 2; turn++) {
      if (!swarm.strikes("reshard")) return;
      const open3 = plans2.filter((plan2) => plan2.isClosed !== true);
      const merged2 = open3.length > 1 && random.below(2) === 0;
      const parents = merged2 ? open3.slice(0, 2) : open3.slice(0, 1);
      const endMs = Math.max(...parents.map((plan2) => plan2.records.at(-1)?.arrivalMs ?? plan2.fromMs ?? 0));
      for (const parent of parents) plans2[plans2.indexOf(parent)] = { ...parent, isClosed: true, closesMs: endMs };
      for (let child = 0; child < (merged2 ? 1 : 2); child++) {
        const name = splitName2(source2, plans2.length);
        plans2.push({ ...this.log(name, endMs, endMs), parents: parents.map((parent) => parent.split) });
      }
    }
  }
  log(split, fromMs, eventMs) {
    const { source: source2, random, swarm, options: options2 } = this;
    const records = this.records(random.below(2 * options2.length), fromMs, eventMs);
    const isRemade = source2.connector === "kafka" && swarm.has("topic-remade");
    const last2 = records.at(-1)?.arrivalMs ?? 0;
    return {
      source: source2.name,
      split,
      records,
      fromMs,
      ...source2.connector === "file" && { isClosed: true },
      ...source2.connector === "kafka" && source2.hasNoArrival && { hasNoArrival: true },
      ...isRemade && { remade: this.records(1 + random.below(3), last2, eventMs + 1, true) }
    };
  }
  records(count2, fromMs, eventMs, isDense = false) {
    const { source: source2, random, swarm } = this;
    const records = [];
    let arrivalMs = fromMs;
    let offset = source2.connector === "kinesis" ? 990 + random.below(20) : 0;
    let timeMs = eventMs;
    const paceMs = [0, 300, 3e3][random.below(3)];
    let previous;
    for (let i = 0; i < count2; i++) {
      arrivalMs += random.below(1 + paceMs);
      if (swarm.strikes("idle")) {
        arrivalMs += 2e4 + random.below(2e5);
        if (random.below(2) === 0) arrivalMs = Math.ceil(arrivalMs / WAKE_MS) * WAKE_MS;
      }
      timeMs += random.below(4) === 0 ? random.below(9e3) : random.below(1500);
      const record = this.record(timeMs, arrivalMs, previous);
      previous = record.event?.t;
      if (!isDense && swarm.strikes("offset-gap")) offset += 1 + random.below(5);
      const subs = source2.connector === "kinesis" && source2.isAggregated && random.below(3) === 0 ? 1 + random.below(3) : 0;
      records.push({ offset, arrivalMs, payload: record.payload, label: record.label, ...subs > 0 && { sub: 0 } });
      if (subs > 0 && typeof record.payload !== "string")
        records[records.length - 1] = { offset, arrivalMs, ...this.plain(timeMs, arrivalMs), sub: 0 };
      for (let sub = 1; sub < subs; sub++) records.push({ offset, arrivalMs, ...this.plain(timeMs, arrivalMs), sub });
      offset++;
    }
    return records;
  }
  plain(timeMs, arrivalMs) {
    const event = this.event(timeMs, arrivalMs);
    return { payload: JSON.stringify(event), label: { event } };
  }
  event(timeMs, arrivalMs) {
    const { random, options: options2 } = this;
    const t = Math.min(options2.baseMs + timeMs - random.below(5e3), options2.startMs + arrivalMs);
    return { id: this.ids.next++, t, k: random.below(4), v: random.below(64) / 8 };
  }
  record(timeMs, arrivalMs, previous) {
    const { source: source2, random, swarm, options: options2 } = this;
    let event = this.event(timeMs, arrivalMs);
    const has = (kind) => swarm.strikes(kind);
    if (has("hot-key")) event = { ...event, k: 0 };
    if (has("late-flood")) event = { ...event, t: event.t - random.below(12e4) };
    if (previous !== void 0 && has("equal-stamps"))
      event = {
        ...event,
        t: random.below(2) === 0 ? previous : Math.floor(event.t / 5e3) * 5e3 - random.below(3) + 1
      };
    if (has("future-stamp"))
      event = { ...event, t: random.below(2) === 0 ? 253402300799e3 : options2.startMs + arrivalMs + 7e5 };
    if (has("killer-record")) event = { ...event, kill: true };
    if (source2.connector === "kafka" && has("tombstone"))
      return { payload: null, label: "tombstone", event: void 0 };
    if (has("oversize")) {
      const text2 = JSON.stringify({ ...event, pad: "x".repeat(RECORD_BYTES_MAX2) });
      return { payload: text2, label: { bad: "oversize" }, event: void 0 };
    }
    if (has("poison")) return { ...this.poison(event), event: void 0 };
    return { payload: JSON.stringify(event), label: { event }, event };
  }
  poison(event) {
    const { source: source2, random, spec } = this;
    const hasMap = spec.steps.some(({ kind }) => kind === "map");
    const kinds = [
      () => ({ payload: '{"id":', label: { bad: "bad-json" } }),
      () => ({ payload: "", label: { bad: "bad-json" } }),
      () => ({ payload: "[1],[2]", label: { bad: "bad-json" } }),
      () => ({ payload: `{"id":1,"__proto__":{"t":1},"t":2}`, label: { bad: "forbidden-key" } }),
      () => ({
        payload: `${"[".repeat(1100)}${"]".repeat(1100)}`.slice(0, RECORD_BYTES_MAX2 - 1),
        label: { bad: "bad-json" }
      }),
      () => ({ payload: JSON.stringify({ ...event, t: "soon" }), label: { bad: "bad-timestamp" } }),
      () => ({ payload: `{"id":1,"t":1e400}`, label: { bad: "bad-timestamp" } }),
      () => ({ payload: "null", label: { bad: "bad-timestamp" } })
    ];
    if (hasMap)
      kinds.push(() => ({
        payload: JSON.stringify({ ...event, boom: true }),
        label: { event: { ...event, boom: true } }
      }));
    if (source2.connector !== "file") {
      kinds.push(() => ({ payload: { raw: "!!!!" }, label: { bad: "bad-base64" } }));
      kinds.push(() => ({
        payload: { raw: Buffer.from([123, 255, 254, 125]).toString("base64") },
        label: { bad: "bad-utf8" }
      }));
    }
    return kinds[random.below(kinds.length)]();
  }
};
function splitName2({ connector, name }, index) {
  if (connector === "kinesis") return `shardId-${String(index).padStart(12, "0")}`;
  return connector === "kafka" ? `${name}-${index}` : `part-${index}`;
}

// test/sim/specs.ts
var source = {
  name: "source0",
  connector: "kinesis",
  boundMs: 3e3,
  splits: 2,
  onFutureDrift: "reject",
  isAggregated: false,
  hasNoArrival: false
};
var operator = {
  name: "op0",
  key: "plain",
  window: { kind: "tumbling", sizeMs: 1e4, stepMs: 1e4, offsetMs: 0 },
  latenessMs: 0,
  accumulation: "accumulating",
  aggregates: ["count", "ids"],
  hasLate: true
};
var small = {
  name: "small",
  sources: [source],
  keyGroups: 2,
  minAdvanceMs: 0,
  idleAfterMs: 4e3,
  idleClose: true,
  steps: [],
  side: void 0,
  hasPassed: false,
  operators: [operator]
};
var SPECS = {
  small,
  late: { ...small, name: "late", operators: [{ ...operator, latenessMs: 15e3, accumulation: "retracting" }] },
  /** Splits that are quiet soon, part, and come back together. */
  restless: {
    ...small,
    name: "restless",
    sources: [{ ...source, boundMs: 500, splits: 3 }],
    operators: [{ ...operator, window: { ...operator.window, sizeMs: 2e3, stepMs: 2e3 } }],
    idleAfterMs: 1e3
  },
  hopping: {
    ...small,
    name: "hopping",
    sources: [{ ...source, connector: "kafka" }],
    operators: [
      { ...operator, latenessMs: 2e3, window: { kind: "hopping", sizeMs: 12e3, stepMs: 4e3, offsetMs: 0 } }
    ]
  },
  two: {
    ...small,
    name: "two",
    sources: [source, { ...source, name: "source1", connector: "kafka" }],
    operators: [
      { ...operator, latenessMs: 7e3, window: { kind: "cumulate", sizeMs: 2e4, stepMs: 5e3, offsetMs: 0 } }
    ]
  },
  chained: {
    ...small,
    name: "chained",
    operators: [
      {
        ...operator,
        window: { ...operator.window, sizeMs: 5e3, stepMs: 5e3 },
        latenessMs: 1e4,
        accumulation: "retracting"
      },
      {
        ...operator,
        name: "op1",
        window: { ...operator.window, sizeMs: 2e4, stepMs: 2e4 },
        latenessMs: 3e4,
        aggregates: ["count", "sum", "avg"]
      }
    ]
  },
  /** Nobody knows when a record arrived. */
  unstamped: { ...small, name: "unstamped", sources: [{ ...source, connector: "kafka", hasNoArrival: true }] },
  /** A key group stops in the middle of a slice, and the operator after it has slices of the same ends. */
  aligned: {
    ...small,
    name: "aligned",
    keyGroups: 1,
    operators: [
      { ...operator, key: "odd", window: { ...operator.window, sizeMs: 5e3, stepMs: 5e3 } },
      {
        ...operator,
        name: "op1",
        key: "one",
        window: { ...operator.window, sizeMs: 5e3, stepMs: 5e3 },
        aggregates: ["count", "sum"]
      }
    ]
  },
  /** Late results of one operator come too late for the next. */
  expiring: {
    ...small,
    name: "expiring",
    operators: [
      {
        ...operator,
        window: { ...operator.window, sizeMs: 5e3, stepMs: 5e3 },
        latenessMs: 3e4,
        accumulation: "discarding"
      },
      {
        ...operator,
        name: "op1",
        window: { ...operator.window, sizeMs: 5e3, stepMs: 5e3 },
        aggregates: ["count", "sum"]
      }
    ]
  },
  stateless: {
    ...small,
    name: "stateless",
    operators: [],
    hasPassed: true,
    steps: [{ kind: "flat", times: 2 }],
    side: { mod: 4, rest: 1 }
  }
};

// test/sim/run.ts
var DECODERS = /* @__PURE__ */ new Map([
  ["file", fileDecoder()],
  ["kafka", kafkaDecoder()],
  ["kinesis", kinesisDecoder()]
]);
var BASES_MS = [START_MS - 12e4, START_MS - 12e4, 0, -5e9];
async function run(options2) {
  const { seed } = options2;
  const spec = options2.spec ?? (options2.pipeline === void 0 || options2.pipeline === "random" ? specOf(seed) : SPECS[options2.pipeline]);
  const random = new Random(seed ^ 1374496523);
  const swarm = new Swarm({
    seed,
    ...options2.kinds && { kinds: options2.kinds },
    ...options2.allows && { allows: options2.allows }
  });
  const ending = spec.idleClose && random.below(2) === 0 ? "clock" : "bounded";
  const baseMs = BASES_MS[random.below(BASES_MS.length)];
  const length = options2.length ?? 3 + random.below(10);
  const logs = options2.logs ?? makeLogs(spec, random, swarm, { length, baseMs, startMs: START_MS });
  let die;
  const pipeline2 = build(spec, (source2, split, position) => die(source2, split, position));
  const refusing = swarm.has("refused-row") ? refuses : () => void 0;
  const world = new World(pipeline2, {
    seed,
    swarm,
    logs,
    decoders: DECODERS,
    refuses: (sink, row) => refusing(sink, row.value),
    batch: 1 + random.below(8),
    partitionsPerPoller: 1 + random.below(3),
    kafkaPartialAnswers: random.below(2) === 0,
    ending,
    tickMs: [1e4, 6e4, 12e4][random.below(3)],
    horizonMs: (all2) => horizonOf(spec, all2),
    startMs: START_MS,
    limits: limitsOf(random),
    ...options2.onEvent && { onEvent: options2.onEvent },
    ...options2.world
  });
  die = world.die;
  const outcome = await world.run();
  const faults = [...outcome.violations];
  let audit = { lost: 0, doubled: 0, rowsOut: 0, recordsIn: 0 };
  if (outcome.isFinished && faults.length === 0) audit = compare2(spec, outcome, refusing, faults);
  return { seed, spec, swarm, outcome, faults, ...audit };
}
function limitsOf(random) {
  if (random.below(3) === 0) return {};
  return {
    chunkRecords: 1 + random.below(6),
    chunkEntries: 1 + random.below(12),
    chunkRows: 1 + random.below(8),
    chunkBytes: [1, 300, 1e6][random.below(3)],
    chunkSegments: 1 + random.below(6),
    spareLifeMs: [1728e5, 6048e5][random.below(2)],
    segmentBytes: [60, 400, 35e4][random.below(3)],
    advanceBytes: [1, 4e3, 1e6][random.below(3)],
    sinkRows: 1 + random.below(6),
    partRows: 1 + random.below(4)
  };
}
function horizonOf(spec, world) {
  const { topMs } = interpret(spec, oracleSplits(world), () => void 0);
  const spans = spec.operators.map(({ window, latenessMs }) => 2 * (window.sizeMs + window.stepMs + latenessMs));
  return spans.reduce((sum2, span) => sum2 + span, topMs + 1);
}
function oracleRecords(records, log) {
  return records.map((record) => ({
    position: positionOf(log.connector, record),
    unit: record.offset,
    arrivalMs: log.connector === "file" || log.plan.hasNoArrival === true ? void 0 : log.arrivalAt(record),
    is: record.label
  }));
}
function oracleSplits({ logs, checks }) {
  return logs.flatMap((log) => {
    const generations = [...log.past, log.records];
    return generations.map((records, generation) => {
      const split = log.idOf(generation);
      const name = `${log.plan.source}/${split}`;
      const lost = new Set(log.lost.filter((gone) => gone.generation === generation).map(({ record }) => record));
      const stretches = checks.stretches.get(name) ?? [];
      return {
        source: log.plan.source,
        split,
        parents: generation === 0 ? log.plan.parents ?? [] : [],
        records: oracleRecords(
          records.filter((record) => !lost.has(record)),
          log
        ),
        limitAt: (position) => (checks.limits.get(name) ?? []).find(({ to }) => to >= position)?.limit,
        gateAt: (position) => stretches.find(({ to }) => to >= position)?.gate ?? Number.NEGATIVE_INFINITY,
        skipsAfter: new Set(checks.skips.get(name) ?? [])
      };
    });
  });
}
function compare2(spec, outcome, refusing, faults) {
  const expected = interpret(spec, oracleSplits(outcome), refusing);
  let lost = 0;
  let doubled = 0;
  let rowsOut = 0;
  for (const sink of /* @__PURE__ */ new Set([...expected.rows.keys(), ...outcome.rows.keys()])) {
    const actual = [...outcome.rows.get(sink)?.values() ?? []].map((text2) => canonical(comparable(JSON.parse(text2)))).sort();
    rowsOut += actual.length;
    const wanted = expected.rows.get(sink) ?? [];
    const missing = without(wanted, actual);
    const extra = without(actual, wanted);
    lost += missing.length;
    doubled += extra.length;
    for (const row of missing.slice(0, 3)) faults.push(`${sink} lacks ${row}`);
    for (const row of extra.slice(0, 3)) faults.push(`${sink} has what it should not: ${row}`);
  }
  const recordsIn = conserved(expected, outcome, faults);
  return { lost, doubled, rowsOut, recordsIn };
}
function conserved(expected, outcome, faults) {
  let all2 = 0;
  for (const [name, wanted] of expected.tallies) {
    all2 += wanted.in;
    const item = [...outcome.table.items.all()].find(({ sk }) => sk === `s#${name}`);
    if (item?.counters === void 0) {
      if (wanted.in > 0) faults.push(`law 10: ${name} has no counters, and should have ${JSON.stringify(wanted)}`);
      continue;
    }
    const actual = readTally(String(item.counters));
    if (canonical(actual) !== canonical(wanted))
      faults.push(`law 10: ${name} counts ${JSON.stringify(actual)}, and should ${JSON.stringify(wanted)}`);
  }
  return all2;
}
function readTally(text2) {
  const [all2, ...operators] = JSON.parse(text2);
  return {
    in: all2[0],
    rejected: all2[1],
    filtered: all2[2],
    passed: all2[3],
    operators: operators.map((rows) => ({ counted: rows[0], late: rows[1], expired: rows[2] }))
  };
}
function comparable(row) {
  if (row.reason === "sink-refused")
    return { reason: row.reason, source: String(row.source).split("/")[0], payload: comparable(row.payload) };
  if (row.reason === "expired") {
    const { reason, source: source2, operator: operator2, key, windows, timestamp, payload } = row;
    return { reason, source: source2, operator: operator2, key, windows, timestamp, payload: comparable(payload) };
  }
  if (typeof row.reason === "string")
    return { reason: row.reason, source: row.source, split: row.split, position: row.position };
  if (row.pane === void 0) return row;
  const { id: _, ...rest } = row;
  return rest;
}
function without(from, what) {
  const left = /* @__PURE__ */ new Map();
  for (const text2 of what) left.set(text2, (left.get(text2) ?? 0) + 1);
  return from.filter((text2) => {
    const n = left.get(text2) ?? 0;
    if (n > 0) left.set(text2, n - 1);
    return n === 0;
  });
}

// test/sim/minimise.ts
var RUNS_MAX = 400;
async function minimise(options2) {
  let best = { options: options2, result: await run(options2) };
  let runs = 1;
  const attempt = async (smaller) => {
    if (runs >= RUNS_MAX) return false;
    runs++;
    const result = await run(smaller);
    if (result.faults.length === 0) return false;
    best = { options: smaller, result };
    return true;
  };
  let kinds = options2.kinds ?? FAULT_NAMES;
  const injected2 = kinds.filter((kind) => best.result.swarm.counts.has(kind));
  if (await attempt({ ...best.options, kinds: injected2 })) kinds = injected2;
  for (const kind of [...kinds]) {
    const rest = kinds.filter((other) => other !== kind);
    if (await attempt({ ...best.options, kinds: rest })) kinds = rest;
  }
  for (const length of [1, 2, 3, 5, 8]) if (await attempt({ ...best.options, length })) break;
  let kept = Array.from({ length: best.result.swarm.ordinals }, (_, ordinal) => ordinal);
  for (let size = Math.ceil(kept.length / 2); size >= 1 && runs < RUNS_MAX; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const fewer = /* @__PURE__ */ new Set([...kept.slice(0, at), ...kept.slice(at + size)]);
      if (await attempt({ ...best.options, allows: (ordinal) => fewer.has(ordinal) })) kept = [...fewer];
      else at += size;
    }
  }
  return { ...best, runs };
}

// test/sim/report.ts
function noTotals() {
  return {
    runs: 0,
    steps: 0,
    calls: 0,
    invocations: 0,
    simulatedMs: 0,
    recordsIn: 0,
    rowsOut: 0,
    lost: 0,
    doubled: 0,
    injections: {},
    failures: []
  };
}
function addRun(totals, { seed, outcome, faults, swarm, ...run2 }) {
  totals.runs++;
  totals.steps += outcome.steps;
  totals.calls += outcome.calls;
  totals.invocations += outcome.invocations;
  totals.simulatedMs += outcome.simulatedMs;
  totals.recordsIn += run2.recordsIn;
  totals.rowsOut += run2.rowsOut;
  totals.lost += run2.lost;
  totals.doubled += run2.doubled;
  for (const [kind, n] of swarm.counts) totals.injections[kind] = (totals.injections[kind] ?? 0) + n;
  if (faults.length > 0) totals.failures.push({ seed, faults });
}
function addTotals(into, more) {
  for (const name of [
    "runs",
    "steps",
    "calls",
    "invocations",
    "simulatedMs",
    "recordsIn",
    "rowsOut",
    "lost",
    "doubled"
  ])
    into[name] += more[name];
  for (const [kind, n] of Object.entries(more.injections))
    into.injections[kind] = (into.injections[kind] ?? 0) + n;
  into.failures.push(...more.failures);
}
var text = (n) => Math.round(n).toLocaleString("en-US");
function report2(totals) {
  const lines2 = [
    `runs            ${text(totals.runs)}`,
    `steps           ${text(totals.steps)} (${text(totals.steps / Math.max(1, totals.runs))} a run), ${text(totals.calls)} calls of ports, ${text(totals.invocations)} invocations`,
    `simulated       ${text(totals.simulatedMs / 36e5)} hours`,
    `records in      ${text(totals.recordsIn)}`,
    `rows out        ${text(totals.rowsOut)}`,
    `lost            ${totals.lost}`,
    `doubled         ${totals.doubled}`,
    "",
    "injected, counted where it happened:",
    ...FAULT_NAMES.map(
      (kind) => `  ${text(totals.injections[kind] ?? 0).padStart(10)}  ${kind.padEnd(18)} ${FAULTS[kind].what}`
    )
  ];
  return `${lines2.join("\n")}
`;
}

// test/sim/main.ts
var HELP = `npm run sim -- --seeds N [--from S] [--jobs J] [--pipeline NAME] [--faults KIND,...]
npm run sim -- --replay SEED [--pipeline NAME] [--faults KIND,...] [--whole]

  --seeds N        how many seeds to run, from --from (default 1) on; default 300
  --jobs J         processes; default 1
  --pipeline NAME  random (the default), ${Object.keys(SPECS).join(", ")}
  --faults KINDS   only these kinds of faults may happen; none for none
  --replay SEED    runs one seed; where it fails, makes it small, and prints what happened
  --whole          prints all of the seed's run, not made small
`;
var PROGRESS_MS = 2e3;
var options = {
  seeds: { type: "string", default: "300" },
  from: { type: "string", default: "1" },
  jobs: { type: "string", default: "1" },
  pipeline: { type: "string", default: "random" },
  faults: { type: "string" },
  replay: { type: "string" },
  whole: { type: "boolean", default: false },
  help: { type: "boolean", default: false }
};
function flagsOf() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`${error.message}

${HELP}`);
    process.exit(2);
  }
}
function wholeNumber(name, value, least) {
  const n = Number(value);
  if (Number.isSafeInteger(n) && n >= least) return n;
  process.stderr.write(`--${name} is a whole number from ${least}; it is ${value}.
`);
  process.exit(2);
}
function kindsOf(given) {
  if (given === void 0) return void 0;
  if (given === "none") return [];
  const kinds = given.split(",");
  const wrong = kinds.find((kind) => !FAULT_NAMES.includes(kind));
  if (wrong === void 0) return kinds;
  process.stderr.write(`--faults takes kinds of faults; "${wrong}" is none. They are: ${FAULT_NAMES.join(", ")}
`);
  process.exit(2);
}
async function seeds(from, count2, base, onProgress) {
  let totals = noTotals();
  let told = performance.now();
  for (let seed = from; seed < from + count2; seed++) {
    addRun(totals, await run({ ...base, seed }));
    if (performance.now() - told > PROGRESS_MS) {
      onProgress(totals);
      totals = noTotals();
      told = performance.now();
    }
  }
  onProgress(totals);
}
async function many(from, count2, jobs, args, onProgress) {
  const share = Math.ceil(count2 / jobs);
  const workers = Array.from({ length: jobs }, (_, job) => {
    const first2 = from + job * share;
    const mine = Math.min(share, from + count2 - first2);
    if (mine <= 0) return Promise.resolve(0);
    const worker = fork(fileURLToPath(import.meta.url), ["--seeds", String(mine), "--from", String(first2), ...args], {
      env: { ...process.env, SIM_WORKER: "1" }
    });
    worker.on("message", (totals) => onProgress(totals));
    return new Promise((resolve) => worker.on("exit", (code) => resolve(code ?? 1)));
  });
  for (const code of await Promise.all(workers))
    if (code !== 0) throw new Error("A process of the simulation has died.");
}
async function replay(seed, base, isWhole) {
  const first2 = await run({ ...base, seed });
  const failed = first2.faults.length > 0;
  process.stdout.write(
    `seed ${seed}: ${failed ? "FAILS" : "sound"}, ${first2.outcome.steps} steps, trace ${first2.outcome.hash.toString(16)}
`
  );
  if (!failed && !isWhole) return 0;
  const small2 = failed && !isWhole ? await minimise({ ...base, seed }) : { options: { ...base, seed }, runs: 0 };
  const events = [];
  const result = await run({
    ...small2.options,
    onEvent: (event, now) => events.push(`${((now - START_MS) / 1e3).toFixed(3).padStart(12)}  ${event}`)
  });
  if (small2.runs > 0) process.stdout.write(`made small in ${small2.runs} runs
`);
  process.stdout.write(`
pipeline: ${JSON.stringify(result.spec)}
`);
  process.stdout.write(
    `faults:   ${[...result.swarm.counts].map(([kind, n]) => `${n} ${kind}`).join(", ") || "none"}

`
  );
  for (const log of result.outcome.logs)
    process.stdout.write(
      `${log.name}: ${log.records.map(({ offset, arrivalMs, label }) => `${offset}@${arrivalMs} ${JSON.stringify(label)}`).join("  ")}
`
    );
  process.stdout.write(`
   seconds  what happens
${events.join("\n")}

${result.faults.join("\n")}
`);
  return failed ? 1 : 0;
}
async function main() {
  const flags = flagsOf();
  if (flags.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { pipeline: pipeline2 } = flags;
  if (pipeline2 !== "random" && SPECS[pipeline2] === void 0) {
    process.stderr.write(`There is no pipeline "${pipeline2}"; there are: random, ${Object.keys(SPECS).join(", ")}.
`);
    return 2;
  }
  const kinds = kindsOf(flags.faults);
  const base = { pipeline: pipeline2, ...kinds && { kinds } };
  if (flags.replay !== void 0) return await replay(wholeNumber("replay", flags.replay, 0), base, flags.whole);
  Error.stackTraceLimit = 0;
  const count2 = wholeNumber("seeds", flags.seeds, 1);
  const from = wholeNumber("from", flags.from, 0);
  const jobs = wholeNumber("jobs", flags.jobs, 1);
  if (process.env.SIM_WORKER === "1") {
    await seeds(from, count2, base, (totals2) => process.send(totals2));
    process.disconnect();
    return 0;
  }
  const totals = noTotals();
  const started = performance.now();
  const onProgress = (more) => {
    addTotals(totals, more);
    for (const { seed, faults } of more.failures) process.stderr.write(`\rseed ${seed} FAILS: ${faults[0]}
`);
    const seconds2 = (performance.now() - started) / 1e3;
    process.stderr.write(
      `\r${totals.runs} of ${count2} seeds, ${(totals.runs / seconds2).toFixed(0)} a second, ${totals.failures.length} failing  `
    );
  };
  const args = ["--pipeline", pipeline2, ...flags.faults === void 0 ? [] : ["--faults", flags.faults]];
  if (jobs === 1) await seeds(from, count2, base, onProgress);
  else await many(from, count2, jobs, args, onProgress);
  process.stderr.write("\n");
  process.stdout.write(`${report2(totals)}
`);
  const seconds = (performance.now() - started) / 1e3;
  process.stdout.write(
    `${(totals.runs / seconds).toFixed(0)} runs a second, ${jobs} ${jobs === 1 ? "process" : "processes"}
`
  );
  for (const { seed, faults } of totals.failures.slice(0, 10)) {
    process.stdout.write(`seed ${seed} FAILS: ${faults[0]}
`);
    process.stdout.write(`  npm run sim -- --replay ${seed} ${args.join(" ")}
`);
  }
  return totals.failures.length === 0 ? 0 : 1;
}
process.exitCode = await main();
