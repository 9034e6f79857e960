/* The rules' reasons in words for the user. */
#include "core/sync/room_parts.h"

const char *pv_reason_text(enum pv_reason reason)
{
    switch (reason) {
    case PV_REASON_NOT_MEMBER: return "you are not a member of this room";
    case PV_REASON_ROLE: return "only an owner may do this";
    case PV_REASON_SENIOR: return "they became an owner before you did, so you cannot change that";
    case PV_REASON_LAST_OWNER: return "the last owner must stay one: make someone else an owner first";
    case PV_REASON_SELF: return "you cannot remove yourself: leave the room instead";
    case PV_REASON_NO_TARGET: return "no such member in this room";
    case PV_REASON_NO_CHANGE: return "they have that role already";
    case PV_REASON_CLOSED: return "this invite is closed already";
    case PV_REASON_INVITE: return "this invite is used up or closed: ask for a new link";
    case PV_REASON_MEMBER: return "you are a member of this room already";
    case PV_REASON_BARRED: return "this device was removed from the room and cannot return to it";
    case PV_REASON_UNSIGNED: return "the agreement has to be signed first";
    case PV_REASON_DEVICE_IN_USE: return "this device is in the room already";
    case PV_REASON_FOREIGN_DEVICE: return "this device is known in the room as someone else's";
    case PV_REASON_JOIN_KEY: return "the link does not belong to this invite";
    case PV_REASON_DUE: return "the room's keys are being changed: try again in a moment";
    case PV_REASON_STALE_EPOCH:
    case PV_REASON_STALE_CHAIN:
    case PV_REASON_CHANGED:
    case PV_REASON_RECIPIENTS:
    case PV_REASON_EPOCH: return "the room changed at the same moment: look at it and try again";
    case PV_REASON_LIMIT: return "the room is at its limit for this";
    case PV_REASON_ROOM: return "this is not for a room of this kind";
    case PV_REASON_HOLD: return "someone holds this";
    case PV_REASON_NONE:
    case PV_REASON_GENESIS:
    case PV_REASON_RECORD:
    case PV_REASON_DUPLICATE:
    case PV_REASON_USES:
    case PV_REASON_CERTIFICATE:
    case PV_REASON_PAPER:
    case PV_REASON_NO_EFFECT:
    case PV_REASON_REUSED_SECRET:
    case PV_REASON_LINK:
    case PV_REASON_BAD_WRAP:
    case PV_REASON_NO_HOLD:
    case PV_REASON_NOT_YOURS:
    case PV_REASON_FUTURE:
    case PV_REASON_INDEX:
    case PV_REASON_A_KEY:
    case PV_REASON_UNTIL:
    case PV_REASON_NO_FORGET: return pv_reason_name(reason);
    }
    return "refused";
}
