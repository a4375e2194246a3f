export { jsonLogger, silentLogger } from './logger.js'
export { emfMetrics, InvocationMetrics, loggedMetrics, PUBLISHED } from './metrics.js'
export { randomIds, systemClock } from './system.js'
