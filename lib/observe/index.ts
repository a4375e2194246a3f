export { jsonLogger, silentLogger } from './logger.js'
export { emfMetrics, InvocationMetrics, loggedMetrics } from './metrics.js'
export { randomIds, systemClock } from './system.js'
