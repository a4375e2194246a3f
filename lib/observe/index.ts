export { jsonLogger, silentLogger } from './logger.js'
export { emfMetrics, InvocationMetrics } from './metrics.js'
export { randomIds, systemClock } from './system.js'
