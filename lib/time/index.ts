export { iso, isoUtc } from './iso.js'
export { customWatermark, monotonous, outOfOrder } from './watermark.js'
