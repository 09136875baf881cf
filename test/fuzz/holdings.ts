import { setTimeout as pause } from 'node:timers/promises'
import { until } from '@accepted/core/testing'
import type { MortalApp } from '../mortal-app.ts'

/** What a process holds. */
export interface Holdings {
  sockets: number
  heapBytes: number
}

/** To be loaded into an app of which `holdingsOf` is asked. */
export const COLLECT = new URL('collect.ts', import.meta.url)
/** Its own two to Redis, ours, and what fetch keeps alive. */
const IDLE_SOCKETS = 6
const SOCKETS = /^nodejs_active_resources\{type="TCPSocketWrap"\} (\d+)/m
/** In which the sockets of those who are gone are. */
const RESTS_WITHIN_MS = 30_000
/** What a heap may have grown meanwhile without being a leak. */
const GROWN_BYTES = 25_000_000

/** What an API holds once the garbage is gone. @param url it may be another when it was started again */
export async function holdingsOf(app: MortalApp, url: () => string): Promise<Holdings> {
  app.tell({ kind: 'collect' })
  // It may just be starting again.
  const text = await until(async () => figuresOf(url()).catch(() => undefined))
  return {
    sockets: figure(text, SOCKETS),
    heapBytes:
      figure(text, /^nodejs_heap_size_used_bytes (\d+)/m) +
      figure(text, /^nodejs_external_memory_bytes (\d+)/m),
  }
}

/** How many sockets an API has, its own and those of its clients. */
export async function socketsOf(url: string): Promise<number> {
  return figure(await figuresOf(url), SOCKETS)
}

/** What an API has taken of the processor since it began. */
export async function processorSecondsOf(url: string): Promise<number> {
  return figure(await figuresOf(url), /^process_cpu_seconds_total (\S+)/m)
}

async function figuresOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}

function figure(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0)
}

/** What is held when nothing of the clients is left, or still is after half a minute. */
export async function holdingsAtRest(take: () => Promise<Holdings>): Promise<Holdings> {
  const endMs = performance.now() + RESTS_WITHIN_MS
  for (;;) {
    await pause(500)
    const holdings = await take()
    if (holdings.sockets <= IDLE_SOCKETS || performance.now() > endMs) return holdings
  }
}

/** What stays though it should not, in words. @param before after warming up; undefined: it came too late for that */
export function leaksOf(before: Holdings | undefined, { sockets, heapBytes }: Holdings): string[] {
  const leaks = []
  if (sockets > IDLE_SOCKETS) leaks.push(`${sockets} sockets are left open`)
  if (before && heapBytes > before.heapBytes + GROWN_BYTES) {
    leaks.push(`a heap has grown from ${before.heapBytes} to ${heapBytes} bytes`)
  }
  return leaks
}
