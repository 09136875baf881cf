// Plain JavaScript, because scripts/bootstrap.mjs uses it on Node 20 before anything is installed.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const pauseMs = () => 20 + Math.random() * 60

/**
 * Claims a folder for one process. A claim is an empty file in the folder, named after the process and the moment it
 * started, so it means nothing once that process is gone and nobody has to clean up after a crash, nor is misled by a
 * pid that is in use again. Whoever writes a claim looks again afterwards: of two that came at once, at most one finds
 * itself alone.
 */
export async function claimFolder(folder, { pid = process.pid, waitMs = 0, onWait } = {}) {
  mkdirSync(folder, { recursive: true })
  const claim = nameOf(pid)
  if (!claim) throw new Error(`Process ${pid} cannot claim ${folder}: it is not running.`)
  const path = join(folder, claim)
  const giveUpAt = performance.now() + waitMs
  for (let told = false; ; told = true) {
    let holder = findOther(folder, claim)
    if (!holder) {
      writeFileSync(path, '')
      holder = findOther(folder, claim)
      if (!holder) return { outcome: 'claimed', release: () => rmSync(path, { force: true }) }
      rmSync(path, { force: true })
    }
    if (performance.now() >= giveUpAt) return { outcome: 'held', pid: holder }
    if (!told) onWait?.(holder)
    await delay(pauseMs())
  }
}

/** The pid of a live process other than ours that has a claim; claims of dead ones are removed on the way. */
function findOther(folder, ownClaim) {
  for (const claim of readdirSync(folder)) {
    if (claim === ownClaim) continue
    const pid = Number.parseInt(claim, 10)
    if (nameOf(pid) === claim) return pid
    rmSync(join(folder, claim), { force: true })
  }
  return undefined
}

/** Whether a process lives; a zombie does not. */
export function isRunning(pid) {
  return nameOf(pid) !== undefined
}

/** `<pid>-<when it started>`, or undefined if no such process lives (a zombie does not). */
function nameOf(pid) {
  const start = process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid)
  return start && `${pid}-${start}`
}

function startFromProc(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command's name in brackets and may hold anything: count from behind it.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : rest[18]
  } catch {
    return undefined
  }
}

function startFromPs(pid) {
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '').replace(/\W+/g, '-')
  } catch {
    return undefined
  }
}
