import net from 'node:net'
import tls from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const KEEP_ALIVE_MS = 60_000

/**
 * The sockets of one client. kafkajs leaks a socket if two concurrent requests find their connection closed: each opens
 * a new one, and only the last is ever closed. An open socket keeps the process alive.
 */
export class Sockets {
  private readonly open = new Set<net.Socket>()

  readonly make: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const server = net.isIP(host) === 0 ? { servername: host } : {}
    const socket = ssl
      ? tls.connect({ host, port, ...server, ...ssl }, onConnect)
      : net.connect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    this.open.add(socket)
    socket.once('close', () => this.open.delete(socket))
    return socket
  }

  end(): void {
    for (const socket of this.open) socket.destroy()
  }
}
