export { jsonLogger, silentLogger } from './logger.js'
export { emfMetrics, InvocationMetrics, PUBLISHED } from './metrics.js'
export { randomIds, systemClock } from './system.js'
