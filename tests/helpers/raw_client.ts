/**
 * A client that says no more over its connection than it is told to.
 *
 * @module
 */
export class RawClient {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(
      await Deno.connect({ hostname: "127.0.0.1", port }),
    );
  }

  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /**
   * Reads until what came holds `text`.
   *
   * @throws {Error} If the connection ends before.
   */
  async readTo(text: string): Promise<string> {
    let came = "";
    while (!came.includes(text)) {
      const more = await this.#read();
      if (more === null) throw new Error(`the connection ended: ${came}`);
      came += more;
    }
    return came;
  }

  /** Reads until the server closes the connection. */
  async readToEnd(): Promise<string> {
    let came = "";
    for (;;) {
      const more = await this.#read();
      if (more === null) return came;
      came += more;
    }
  }

  leave(): void {
    this.#connection.close();
  }

  async #read(): Promise<string | null> {
    const buffer = new Uint8Array(4096);
    const count = await this.#connection.read(buffer);
    if (count === null) return null;
    return this.#decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}
