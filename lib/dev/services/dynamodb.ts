import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from './daemon.js'
import { type Artifacts, classPath } from './jars.js'
import type { LocalService, ServicePlace } from './service.js'

/**
 * By default, DynamoDB Local listens on every interface and refuses port 0. This class starts the same server on
 * loopback only.
 */
const STARTER = `
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;

public class LoopbackDynamodb {
  public static void main(String[] args) throws Exception {
    var proxy = ServerRunner.createServerFromCommandLineArgs(args);
    var field = proxy.getClass().getDeclaredField("server");
    field.setAccessible(true);
    var connector = (ServerConnector) ((Server) field.get(proxy)).getConnectors()[0];
    connector.setHost("127.0.0.1");
    connector.setPort(Integer.getInteger("millrace.port"));
    proxy.start();
    System.out.println("ready on " + connector.getLocalPort());
    proxy.join();
  }
}
`

export const DYNAMODB_LOCAL: Artifacts = {
  name: 'dynamodb-local',
  dependencies: ['software.amazon.dynamodb:DynamoDBLocal:3.3.1'],
  // The version that it declares itself is not on Maven Central.
  boms: ['software.amazon.awssdk:bom:2.54.15'],
  source: { className: 'LoopbackDynamodb', text: STARTER },
}

/** Starts Amazon's DynamoDB Local. With `memory`, its data is not kept. */
export async function startDynamodb(place: ServicePlace & { readonly memory?: boolean }): Promise<LocalService> {
  const path = await classPath(DYNAMODB_LOCAL)
  const data = join(place.folder, 'dynamodb')
  mkdirSync(data, { recursive: true })
  const jvm = ['-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.io.tmpdir=${data}`]
  const storage = place.memory ? ['-inMemory'] : ['-dbPath', data]
  const daemon = await startDaemon({
    name: 'DynamoDB Local',
    command: [
      'java',
      ...jvm,
      `-Dmillrace.port=${place.port}`,
      '-cp',
      path,
      'LoopbackDynamodb',
      ...storage,
      '-sharedDb',
      '-disableTelemetry',
      '-port',
      String(place.port),
    ],
    logFile: join(place.folder, 'dynamodb.log'),
    ready: /^ready on \d+/m,
    detached: place.detached,
    ...(place.onSpawn && { onSpawn: place.onSpawn }),
  })
  return { name: 'dynamodb', port: place.port, endpoint: `http://127.0.0.1:${place.port}`, ...daemon }
}
