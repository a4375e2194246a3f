export { epochMicros, epochMillis, epochNanos, epochSeconds } from './epoch.js'
export { iso, isoUtc } from './iso.js'
export { customWatermark, monotonous, outOfOrder } from './watermark.js'
