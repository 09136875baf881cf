import type { AuditEntryDocument } from '@accepted/contract'
import { timestamp } from '../task-document.ts'
import type { AuditEntry } from './audit-trail.ts'

/** An act as it is told. */
export function auditDocument(entry: AuditEntry): AuditEntryDocument {
  const { auditId, atMs, action, actor, address, requestId, taskId, operation, deliveryId, keyId, detail } =
    entry
  return {
    audit_id: auditId,
    at: timestamp(atMs),
    action,
    actor,
    address,
    request_id: requestId,
    task_id: taskId,
    operation,
    delivery_id: deliveryId && `dlv_${deliveryId}`,
    key_id: keyId,
    detail,
  }
}
