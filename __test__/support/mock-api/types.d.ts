// The types of the mock API: the requests that a script receives, its possible answers, and what is recorded.
import type { IncomingHttpHeaders } from 'node:http'

export type MockProvider = 'codex' | 'claude'
export type CredentialHeader = 'authorization' | 'x-api-key'

export interface RecordedRequest {
  provider: MockProvider
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** The bare key, without a `Bearer ` prefix. If both headers were sent, `x-api-key` takes precedence. */
  credential: string | null
  credentialHeader: CredentialHeader | null
  credentials: { header: CredentialHeader; value: string }[]
  /** The parsed JSON body of a POST; null when there was none, it was not JSON, or it came without the mock's credential. */
  body: any
  /** Milliseconds since the epoch. */
  at: number
}

export interface MockTurn {
  provider: MockProvider
  credential: string | null
  request: RecordedRequest
  /** The last text that the user wrote. */
  prompt: string
  /** The output of the commands that have run since that text. */
  toolResults: string[]
  /** The number of these outputs. */
  step: number
}

/** Counts as the provider itself reports them: OpenAI's input includes cached tokens, Anthropic's does not. */
export interface MockUsage {
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
  reasoning: number
}

export interface MockError {
  type: string
  message: string
  code?: string
}

export type Reply = (
  | { run: string; usage?: Partial<MockUsage> }
  | { text: string; usage?: Partial<MockUsage> }
  /** Calls another of the CLI's tools by its name. */
  | { call: string; namespace?: string; input: Record<string, unknown>; usage?: Partial<MockUsage> }
  | { status: number; error: MockError; headers?: Record<string, string> }
  /** An answer with status 200 whose stream ends with an error. */
  | { failed: MockError }
  /** An answer with status 200 whose connection is closed within the stream. */
  | { cut: true }
  | { hang: true }
) & { delayMs?: number }

export interface MockApiOptions {
  /** 0, the default, lets the system choose the port. */
  port?: number
  answer?: (turn: MockTurn) => Reply | Promise<Reply>
  usage?: Partial<MockUsage>
  /** The bare key whose requests are answered and whose bodies are read; others get 401. Default: any key. */
  credential?: string
  /** A larger body is refused with 413 and not recorded. Default: 1 MiB. */
  maxBodyBytes?: number
  /** Further requests are refused with 503 while this many are recorded. Default: 10 000. */
  maxRequests?: number
}

export interface MockApi {
  readonly port: number
  readonly openaiBaseUrl: string
  readonly anthropicBaseUrl: string
  /** The base URL of each provider for which the mock has a dialect. */
  readonly baseUrls: Readonly<Record<string, string | undefined>>
  /** Every request, oldest first. A long run may empty it: `requests.length = 0`. */
  readonly requests: RecordedRequest[]
  /** Returns the requests that carried this bare key in either header. */
  requestsWith(credential: string): RecordedRequest[]
  close(): Promise<void>
}

/** A reply with its usage filled in, which a dialect sends. */
export type Content = ({ run: string } | { text: string } | { call: string; namespace?: string; input: Record<string, unknown> }) & {
  usage: MockUsage
}

/** One provider's wire format. */
export interface Dialect {
  readTurn(body: any): { prompt: string; toolResults: string[] }
  /** Whether the request offers the shell tool that a `run` reply calls. */
  offersShell(body: any): boolean
  /** The whole message, as the API answers without streaming. */
  message(body: any, content: Content): Record<string, any>
  /** The same message as the events of a stream. */
  events(message: Record<string, any>): { event: string; data: Record<string, any> }[]
  errorBody(error: MockError): Record<string, any>
  /** The beginning of a stream and the error with which it ends. */
  failure(body: any, error: MockError): { event: string; data: Record<string, any> }[]
  models(): Record<string, any>
}
