export type { AdvanceRequest, Clock, Ids, Logger, Metrics, MetricUnit, Queue } from './host.js'
export type { SchemaIssue, SchemaResult, StandardSchema } from './schema.js'
export type { OperatorBatch, RefusedRow, Sink, SinkBatch, SinkContext, SinkNode, SinkRow, SplitRows } from './sink.js'
export {
  type Codec,
  type DecodeFunction,
  Defect,
  type DriftPolicy,
  type Envelope,
  type EventDecoder,
  type MemberPolicy,
  type NameOf,
  type NumberPolicy,
  type Position,
  type RecordMeta,
  type SourceInspector,
  type SourceNode,
  type SplitBatch,
  type SplitFault,
  type SplitListing,
  type Undone,
  type UnlikelyPolicy,
  type WatermarkStrategy,
} from './source.js'
export type {
  Attribute,
  Condition,
  InsertVerdict,
  Item,
  ItemKey,
  Page,
  RangeQuery,
  StateStore,
  StoreUsage,
  Update,
  UpdateAllVerdict,
  UpdateVerdict,
} from './state-store.js'
