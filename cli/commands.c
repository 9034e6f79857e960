/* The table of commands. Longer than the house's measure: it is data, and one place is its point. */
#include "cli/handlers.h"
#include "core/base/limits.h"

#define TEXT(...) ((const char *const[]){__VA_ARGS__, NULL})
#define OPTIONS(...) ((const struct pv_option[]){__VA_ARGS__, {.name = NULL}})
#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ANY PV_ARGS_POSITIONAL_MAX

#define ROOM_FIELDS                                                                                        \
    "id", "the room's id, hex", "name", "its name on this device", "role", "owner, editor or viewer, or null", \
        "state", "joined, left or removed", "server", "the server's address", "members", "how many",       \
        "unsent", "writes that the server does not have yet", "locked", "whether its key is away"
#define WRITER_FIELDS                                                                                      \
    "time", "when it was written, by the author's clock", "author", "person id, hex", "author_name", "the author's name", \
        "device", "device id, hex", "index", "its place in the log, or null", "pending", "whether it is not sent yet"
#define CONTENT_FIELDS                                                                                     \
    "size", "bytes", "mode", "permissions, octal", "modified", "milliseconds since 1970", "sha256", "hex, or null for a large file"
#define FILE_FIELDS                                                                                        \
    "id", "the file's id, hex; it stays through versions and moves", "type", "file", "path", "its place in the room", \
        "name", "its last part", CONTENT_FIELDS, "version", "how many versions there are", "version_id", \
        "the newest version's id, hex", "conflict", "whether it lost a race with another", "removed", \
        "whether it was removed", WRITER_FIELDS
#define MESSAGE_FIELDS                                                                                     \
    "id", "the message's id, hex", "text", "the message", "reply", "id of the message that it answers, or null", \
        "attachments", "id, name, size, mode, modified, sha256 of each", "crossed",                        \
        "whether it crossed with a removal, so that the removed may read it", WRITER_FIELDS

#define VERIFIED_FIELDS                                                                                    \
    "verified", "null, or how you verified this person:", "time", "milliseconds since 1970, of a server's checkpoint", \
        "how", "compared (by you), number (typed) or code (scanned)", "by", "id of your device that noted it", "by_name", "its name", \
        "by_revoked", "whether it was revoked since", "pending", "whether your other devices cannot know it yet", \
        "added", "how many devices they added since, as this room shows it", "removed", "how many they removed since"
#define CHANGED_FIELDS                                                                                     \
    "changed_devices", "whose devices changed since this device told you last, a list of", "id", "person id, hex", "name", "the name", \
        "added", "how many devices", "removed", "how many", "all_new", "whether none of those before is left", "by_kit", \
        "whether a recovery kit added one", "new_keys", "whether they made new keys, no device having changed here", \
        "verified", "when you verified them, milliseconds since 1970, or null"

const struct pv_command pv_commands[] = {
    {
        .name = "init",
        .synopsis = "--name NAME [--device NAME] [--server URL] [--kit FILE] [--registration-file FILE]",
        .summary = "make this person and this device",
        .text = TEXT("Makes the keys of a new person and of this device, seals them under a passphrase, and registers the "
                     "person with a server.",
                     "The recovery kit is shown once, or written to FILE for you to print and to put away: a page with a code to type and to "
                     "scan where the name ends in .pdf, else text. It opens "
                     "everything when all devices are lost; nobody can make a second one of it.",
                     "The server has to answer once, since a person's id is made of its key too: without it nothing is made. Is it gone "
                     "before it took the person, all that was made stays, and the next command that reaches it registers. It may ask "
                     "for a registration code: give the file that holds it, or type it when asked. Refused for want of one, all stays "
                     "too, and `privity init` with a code, or `privity join` with an invite, registers later."),
        .options = OPTIONS({.name = "name", .arg = "NAME", .help = "how others see you"},
                           {.name = "device", .arg = "NAME", .help = "what `devices` calls this one, on your own devices alone; default the machine's name"},
                           {.name = "server", .arg = "URL", .help = "the server that will hold your rooms; default PRIVITY_SERVER"},
                           {.name = "kit", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "write the recovery kit to FILE instead of showing it"},
                           {.name = "registration-file", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "a file with the registration code"}),
        .json = FIELDS("id", "the person's id, hex", "name", "the name", "device", "this device's id, hex", "server",
                       "the server's address", "kit", "the recovery kit, or null if it was written to a file",
                       "registered", "false while the server has not answered yet"),
        .max_words = 0,
        .local = true,
        .run = pv_cmd_init,
    },
    {
        .name = "devices",
        .synopsis = "",
        .summary = "list this person's devices and recovery kits",
        .text = TEXT("Those that were revoked too. A device's name is the one that it was given when it was added; the first "
                     "one goes by its machine's, or what `init --device` said. Lists also who added each, and when by that device's clock."),
        .json = FIELDS("devices", "a list of", "id", "the device's id, hex", "name", "its name, or null for a kit", "current",
                       "whether it is this one", "paper", "whether it is a recovery kit", "revoked", "whether it was revoked",
                       "added", "milliseconds since 1970", "added_by", "id of the device that added it, or null for the first two"),
        .run = pv_cmd_devices,
    },
    {
        .name = "device add",
        .synopsis = "",
        .summary = "add a new device of yours, by a short code",
        .text = TEXT("Shows a code of twelve digits and waits for it to be typed on the new device, into `privity device join`, within ten "
                     "minutes. Then the new device is in your own room and, if their rules allow, in every other, and reads their whole "
                     "history. Where standard output is no terminal, the code alone is printed, at once.",
                     "The server in between can neither read nor replace what the two devices say (CPace; see FORMAT.md): whoever "
                     "guesses has one try for each code, and a wrong one ends it."),
        .json = FIELDS("code", "the code, in an object of its own that comes first", "expires", "milliseconds since 1970, of it",
                       "id", "the device's id, hex", "name", "its name", "current", "false", "paper", "false", "revoked", "false",
                       "rooms", "as of `device revoke`"),
        .run = pv_cmd_device_add,
    },
    {
        .name = "device join",
        .synopsis = "--name DEVICE [--server URL] [--code-file FILE]",
        .summary = "make this a device of yours, by the code that another one shows",
        .text = TEXT("Run on the new device, while the other one shows its code (`privity device add`). The code is read from the "
                     "terminal, from standard input, or from FILE. Makes the keys of this device and seals them under a passphrase of its own.",
                     "After a wrong code nothing was added and a new code is needed. Cut off, the same command goes on, with a new code."),
        .options = OPTIONS({.name = "name", .arg = "DEVICE", .help = "this device's name, for your own list"},
                           {.name = "server", .arg = "URL", .help = "your server; default PRIVITY_SERVER"},
                           {.name = "code-file", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "read the code from FILE instead of standard input"}),
        .json = FIELDS("id", "the person's id, hex", "name", "the person's name", "device", "this device's id, hex", "server",
                       "the server's address", "rooms", "as of `device revoke`"),
        .local = true,
        .run = pv_cmd_device_join,
    },
    {
        .name = "device revoke",
        .synopsis = "DEVICE... [--keep DEVICE]... [--with-added]",
        .summary = "take a lost device out of every room",
        .text = TEXT("Takes devices, named by name or begin of id, out of the person's own room and makes new keys there; then "
                     "goes through all rooms and does the same in each. From then on they read nothing new and write nothing; "
                     "they never come back. A recovery kit is revoked only by an older kit, or with the device that added it.",
                     "What a revoked device has added goes with it. Where that is more than was named, nothing is done until you "
                     "give --with-added, or --keep for the newest of these that you trust: what was added before it stays, too. "
                     "Both, if more was added after that. What led to this very device stays by itself; what the revoked ones "
                     "had added before it stays, too, and is named, for you to revoke it as well.",
                     "Prints a line for each room: done, or what it waits for. Cut off, or with rooms that wait (exit status 5), "
                     "it is gone on with by the same command, by refresh, or by whichever of your devices next sends something to "
                     "such a room. Nothing of yours is sent there before. Of devices that are all revoked already, it says so, and goes "
                     "through the rooms again.",
                     "This very device cannot be revoked by itself: do it from another one, or by recover --revoke-others."),
        .options = OPTIONS({.name = "keep", .arg = "DEVICE", .many = true, .help = "trust this one, and what was added before it"},
                           {.name = "with-added", .help = "revoke what they have added, too"}),
        .json = FIELDS("rooms", "a list of", "id", "the room's id, hex", "name", "its name on this device", "done",
                       "whether nothing is left to do there", "waits_for", "what it waits for, or null"),
        .min_words = 1,
        .max_words = 64,
        .run = pv_cmd_device_revoke,
    },
    {
        .name = "recover",
        .synopsis = "--name DEVICE [--server URL] [--kit FILE] [--revoke-others] [--go-on]",
        .summary = "make a new device from the recovery kit",
        .text = TEXT("Makes this a device of the person to whom a recovery kit belongs, with every room and its history. The kit's "
                     "code is read from standard input, or from FILE, which may be the whole text that init wrote.",
                     "Other devices stay what they were unless --revoke-others is given: then all are revoked but this one and the "
                     "kit, and further kits with them. Without it, revoke those that are lost by privity device revoke.",
                     "The kit can be used again, and should be put back where it was. Cut off, or with rooms that wait (exit "
                     "status 5), the same command goes on.",
                     "Where the server was restored from a backup, your own room waits until your devices have given back what came after "
                     "it. If none is left that could, say so by --go-on; one that comes all the same is alarmed then."),
        .options = OPTIONS({.name = "name", .arg = "DEVICE", .help = "this device's name, for your own list"},
                           {.name = "server", .arg = "URL", .help = "the person's server; default the kit's, then PRIVITY_SERVER"},
                           {.name = "kit", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "read the kit from FILE instead of standard input"},
                           {.name = "revoke-others", .help = "revoke all other devices and further kits"},
                           {.name = "go-on", .help = "on a restored server: go on without what other devices may have"}),
        .json = FIELDS("id", "the person's id, hex", "name", "the person's name", "device", "this device's id, hex", "server",
                       "the server's address", "others", "how many other devices and younger kits still act for the person",
                       "rooms", "as of `device revoke`"),
        .max_words = 0,
        .local = true,
        .run = pv_cmd_recover,
    },
    {
        .name = "recovery test",
        .synopsis = "[--kit FILE]",
        .summary = "prove that the recovery kit at hand would work",
        .text = TEXT("Reads the kit's code from standard input, or from FILE, signs in with it, and sees that it opens the person's "
                     "newest keys and is a device of every room. Nothing is changed, and nothing of the kit is kept."),
        .options = OPTIONS({.name = "kit", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "read the kit from FILE instead of standard input"}),
        .json = FIELDS("id", "the kit's device id, hex", "works", "true", "rooms", "how many rooms there are", "missing",
                       "in how many of them the kit is not, or could not be looked for"),
        .max_words = 0,
        .run = pv_cmd_recovery_test,
    },
    {
        .name = "recovery add-kit",
        .synopsis = "[--kit FILE]",
        .summary = "add another recovery kit",
        .text = TEXT("Makes a further kit, shows it once or writes it to FILE (as init does), and adds it to every room. The kits before it go on "
                     "working: this takes nothing back from someone who found one.",
                     "A further kit stands below the first and falls with the device that added it, so it is best added by a "
                     "device that you keep, or by one that was just made with the first kit at hand."),
        .options = OPTIONS({.name = "kit", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "write the kit to FILE instead of showing it"}),
        .json = FIELDS("id", "the kit's device id, hex", "kit", "its code, or null if it was written to a file", "rooms", "as of `device revoke`"),
        .max_words = 0,
        .run = pv_cmd_recovery_add_kit,
    },
    {
        .name = "whoami",
        .synopsis = "",
        .summary = "print who and which device this is",
        .json = FIELDS("id", "the person's id, hex", "name", "the name", "device", "this device's id, hex", "server",
                       "the server's address", "devices", "id, current, paper, revoked of each device"),
        .run = pv_cmd_whoami,
    },
    {
        .name = "status",
        .synopsis = "[--acknowledge ALARM] [--accept-clock]",
        .summary = "rooms, unsent work, last contact, alarms",
        .text = TEXT("Shows for each room what waits to be sent, when the server last answered, whether the room is read-only since "
                     "that was restored from a backup, and everything found that must not be. Also how far this device's clock is from the server's.",
                     "A device whose clock is over a day ahead of what the server signs sends nothing. Set it right; or say by "
                     "--accept-clock that the server's is right: from then on this device takes its own as that much ahead, "
                     "and as less when the server shows that it was set right.",
                     "An alarm is shown each time until it is acknowledged, by its id or the begin of it, or by \"all\" for all of them. "
                     "That changes nothing else: a room whose log does not verify goes on refusing it, and other rooms are not touched. "
                     "The evidence stays where it is; `privity check` tells what it shows.",
                     "Members whose devices changed are listed until they were told: by the next message or file that you send there, or by "
                     "`safety`; those whom you verified until you look at them by `safety`."),
        .options = OPTIONS({.name = "acknowledge", .arg = "ALARM", .help = "note that an alarm was read; prints it a last time"},
                           {.name = "accept-clock", .help = "take this device's clock as ahead by its difference to the server's"}),
        .json = FIELDS("id", "the person's id, hex", "clock_difference", "milliseconds that the server is ahead, or null",
                       "clock_accepted", "milliseconds by which this device's clock is taken as ahead",
                       "registered", "whether the server knows this person", "rooms", "as of `rooms`, with", "rooms[].last_contact", "milliseconds since 1970, or null",
                       "rooms[].restored", "whether the room is read-only, since its server was restored from a backup (see `repair`)",
                       "rooms[].alarms", "what was found, oldest first, acknowledged ones too", "rooms[].alarms[].id", "the alarm's id, hex",
                       "rooms[].alarms[].text", "what it is", "rooms[].alarms[].what", "the error's name", "rooms[].alarms[].time", "milliseconds since 1970",
                       "rooms[].alarms[].acknowledged", "milliseconds since 1970, or null", "rooms[].alarms[].evidence", "the file, or null",
                       "rooms[].changed_devices", "as of `say`, what stands to be told there",
                       "alarms", "those of your own room", "restored", "whether your own room is read-only, as rooms are"),
        .run = pv_cmd_status,
    },
    {
        .name = "rooms",
        .synopsis = "",
        .summary = "list the rooms",
        .json = FIELDS("rooms", "a list of", ROOM_FIELDS),
        .run = pv_cmd_rooms,
    },
    {
        .name = "room new",
        .synopsis = "ROOM [--as NAME]",
        .summary = "make a room",
        .text = TEXT("ROOM is the room's name on this device; nobody else sees it."),
        .options = OPTIONS({.name = "as", .arg = "NAME", .help = "how its members see you; default your own name"}),
        .json = FIELDS(ROOM_FIELDS),
        .min_words = 1,
        .max_words = 1,
        .run = pv_cmd_room_new,
    },
    {
        .name = "members",
        .synopsis = "ROOM",
        .summary = "list who may read a room",
        .json = FIELDS("members", "a list of", "id", "person id, hex", "name", "the name that they gave", "role",
                       "owner, editor or viewer", "me", "whether this is you", "joined", "place in the log of their joining", "until", "when it ends, or null",
                       "devices", "id, current (this one), paper, revoked of each", VERIFIED_FIELDS),
        .min_words = 1,
        .max_words = 1,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_members,
    },
    {
        .name = "safety",
        .synopsis = "ROOM MEMBER [--qr] [--verify NUMBER | --compared | --withdraw]",
        .summary = "compare a safety number with a member",
        .text = TEXT("Shows the number of you and MEMBER: sixty digits that both of you see, if nobody stands between you. Compare it by a way "
                     "that the server has no hand in: face to face, or by a call in which you know the voice. It does not change when either of you adds "
                     "or removes devices; that is told apart.",
                     "--verify compares for you: give what MEMBER reads to you or what you scan, or - to type it or read it from standard input. "
                     "Exit status 4 when it is not the number of you two. --compared notes that you compared it yourself. Either is kept in your own "
                     "room, for all of your devices, with the devices that MEMBER had then; nobody else learns it. `members` shows it; --withdraw takes it back.",
                     "Before the next message or file leaves for a room, `say`, `put` and whatever else sends it print a line for each member whose devices "
                     "changed since this device last told you, once; nothing is refused. Of those whom you verified, `status` repeats it until you "
                     "look here.",
                     "When standard output is no terminal, the number alone is printed, or with --qr the text of the code."),
        .options = OPTIONS({.name = "qr", .help = "show a code that MEMBER scans"},
                           {.name = "verify", .arg = "NUMBER", .help = "compare what MEMBER reads or shows, and note it; -: typed, or from standard input"},
                           {.name = "compared", .help = "note that you compared the number"},
                           {.name = "withdraw", .help = "note that MEMBER is not verified any more"}),
        .json = FIELDS("id", "person id, hex", "name", "the name", "number", "the digits, in groups", "code", "what the QR code says", VERIFIED_FIELDS,
                       CHANGED_FIELDS),
        .min_words = 2,
        .max_words = 2,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_safety,
    },
    {
        .name = "invite",
        .synopsis = "ROOM [--role owner|editor|viewer] [--expires WHEN] [--uses N]",
        .summary = "print a link that lets someone join",
        .text = TEXT("Whoever has the link may join: send it by a way that you trust. It is one half of a secret; the "
                     "server holds the other and gives it out until the invite is used up, expired or closed.",
                     "A viewer reads and talks; an editor also changes files; an owner also invites, removes and gives roles.",
                     "When standard output is no terminal, the link alone is printed."),
        .options = OPTIONS({.name = "role", .arg = "ROLE", .complete = PV_COMPLETE_ROLE, .help = "owner, editor (default) or viewer"},
                           {.name = "expires", .arg = "WHEN", .help = "a span such as 7d (default) or a date"},
                           {.name = "uses", .arg = "N", .help = "how many may join by it; default 1"}),
        .json = FIELDS("id", "the invite's id, hex", "link", "the link", "role", "owner, editor or viewer", "uses",
                       "how many may join", "expires", "milliseconds since 1970", "state", "open"),
        .min_words = 1,
        .max_words = 1,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_invite,
    },
    {
        .name = "join",
        .synopsis = "LINK [--as NAME] [--room LOCALNAME] [--kit FILE] [--device NAME]",
        .summary = "join a room by a link",
        .text = TEXT("Where this device holds no person yet, one is made first, as by `init`, at the link's server: --as names "
                     "it, and its recovery kit is shown once, or written to FILE.",
                     "A LINK of - is read from standard input, a file (`privity join - < FILE`) or the terminal: a link holds half of a "
                     "secret, which so stays out of the shell's history and the list of processes. Blanks and line ends in it do no harm."),
        .options = OPTIONS({.name = "as", .arg = "NAME", .help = "how its members see you; default your own name"},
                           {.name = "room", .arg = "LOCALNAME", .help = "the room's name on your devices, also where you are in it already; default the inviter's name"},
                           {.name = "kit", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "where a new person's recovery kit goes"},
                           {.name = "device", .arg = "NAME", .help = "a new person's device, as of `init`"}),
        .json = FIELDS(ROOM_FIELDS, "inviter", "person id, hex", "inviter_name", "the inviter's name", "kit",
                       "a new person's recovery kit, or null if it was written to a file"),
        .min_words = 1,
        .max_words = 1,
        .local = true,
        .run = pv_cmd_join,
    },
    {
        .name = "role",
        .synopsis = "ROOM MEMBER ROLE",
        .summary = "make a member owner, editor or viewer",
        .text = TEXT("A viewer reads and talks; an editor also changes files; an owner also invites, removes and gives roles. An owner "
                     "who became one later cannot demote or remove one who was before. Who has the role already keeps it: nothing is written, "
                     "and the exit status is 0."),
        .json = FIELDS("id", "person id, hex", "name", "the name", "role", "the new role", "state", "sent, unsent, or unchanged"),
        .min_words = 3,
        .max_words = 3,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE, PV_COMPLETE_ROLE},
        .run = pv_cmd_role,
    },
    {
        .name = "remove",
        .synopsis = "ROOM MEMBER...",
        .summary = "remove a member",
        .text = TEXT("The room's key changes: who was removed reads nothing that is written from now on. Open invites end. "
                     "Several are removed together or not at all, so that none of them can bring another back in between."),
        .json = FIELDS("id", "person id, hex", "name", "the name", "state", "sent, or unsent", "members",
                       "where several were named, a list of such objects in place of one"),
        .min_words = 2,
        .max_words = 1 + PV_LIMIT_TARGETS,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_remove,
    },
    {
        .name = "leave",
        .synopsis = "ROOM",
        .summary = "leave a room",
        .text = TEXT("The last owner cannot leave while others are there: make another one owner first. What is on this "
                     "device stays readable."),
        .json = FIELDS("id", "the room's id, hex", "name", "its name on this device", "state", "sent, or unsent"),
        .min_words = 1,
        .max_words = 1,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_leave,
    },
    {
        .name = "say",
        .synopsis = "ROOM [TEXT] [--reply ID] [--attach PATH…]",
        .summary = "write a message",
        .text = TEXT("Without TEXT, the message is read from standard input. It is kept on this device before anything is "
                     "sent: when the server cannot be reached, it goes out later, and the exit status is 5.",
                     "--attach takes all words up to the next option, so TEXT stands before it."),
        .options = OPTIONS({.name = "reply", .arg = "ID", .help = "the message that this answers: its id or the begin of it"},
                           {.name = "attach", .arg = "PATH…", .many = true, .complete = PV_COMPLETE_FILE, .help = "files to go with it"}),
        .json = FIELDS(MESSAGE_FIELDS, CHANGED_FIELDS),
        .min_words = 1,
        .max_words = 2,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_say,
    },
    {
        .name = "read",
        .synopsis = "ROOM [--since WHEN] [--limit N] [--follow]",
        .summary = "print messages",
        .text = TEXT("Prints the newest 100 messages, oldest first; with --since all from then on; --limit 0 prints all.",
                     "WHEN is a span (2h, 3d), a day (today, 2026-11-23) or a time (2026-11-23T10:00, local, or with Z).",
                     "--follow goes on printing what comes, and ends when the room is locked. With --json it then prints "
                     "one object a line.",
                     "A message that \"crossed a removal\" was written while another's removal of a member or device was on "
                     "its way: whoever was removed may read it."),
        .options = OPTIONS({.name = "since", .arg = "WHEN", .help = "only messages written from then on"},
                           {.name = "limit", .arg = "N", .help = "at most the newest N; 0: all"},
                           {.name = "follow", .letter = 'f', .help = "go on as messages come"}),
        .json = FIELDS("messages", "a list of", MESSAGE_FIELDS),
        .min_words = 1,
        .max_words = 1,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_read,
    },
    {
        .name = "search",
        .synopsis = "[ROOM] WORDS",
        .summary = "find messages and files by words",
        .text = TEXT("All words must be there; several words may be given as one or apart. Without ROOM, every room that "
                     "is unlocked is searched. Nothing leaves this device."),
        .options = OPTIONS({.name = "limit", .arg = "N", .help = "at most N of each room; default 100, 0: all"}),
        .json = FIELDS("messages", "a list of", MESSAGE_FIELDS, "room", "the room's name on this device", "files",
                       "a list as of `ls`"),
        .min_words = 1,
        .max_words = ANY,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_search,
    },
    {
        .name = "put",
        .synopsis = "ROOM PATH… [--to FOLDER]",
        .summary = "put files into a room",
        .text = TEXT("Directories go with all the files in them; symbolic links in them are not followed, and they, empty folders and "
                     "whatever is no plain file are left out and named, with exit status 0. A link that is itself given as PATH is "
                     "followed. A file that grows while it is read is refused, and so is one that tells no size and has no end after 64 MiB. "
                     "A file of the same name gets a new version; the old ones stay. An upload that was cut off goes on where it stopped when the command is given again."),
        .options = OPTIONS({.name = "to", .arg = "FOLDER", .help = "the folder in the room"}),
        .json = FIELDS("files", "a list of", FILE_FIELDS, "left_out", "a list of", "path", "what was left out, as it lies here", "why",
                       "in words", CHANGED_FIELDS),
        .min_words = 2,
        .max_words = ANY,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_FILE, PV_COMPLETE_FILE},
        .run = pv_cmd_put,
    },
    {
        .name = "get",
        .synopsis = "ROOM PATH… [-o DIR] [--version N] [--force]",
        .summary = "fetch files from a room",
        .text = TEXT("PATH is a file or a folder in the room, or the id of a message, for its attachments. A file gets its name only when all of it is here and verified; "
                     "an existing one of another content is not replaced without --force, and none that the same command fetched. Control characters in a name are underscores here, "
                     "which is told."),
        .options = OPTIONS({.name = "output", .letter = 'o', .arg = "DIR", .complete = PV_COMPLETE_DIRECTORY, .help = "where to; default here"},
                           {.name = "version", .arg = "N", .help = "an older version, as of `versions`"},
                           {.name = "force", .help = "replace files that are there"}),
        .json = FIELDS("files", "a list of", "id", "the version's id, hex", "path", "where it was written below `to`", "size", "bytes",
                       "sha256", "hex, or null for a large file", "version", "its number, or null for an attachment", "to",
                       "the directory"),
        .min_words = 2,
        .max_words = ANY,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_get,
    },
    {
        .name = "ls",
        .synopsis = "ROOM [FOLDER] [-l] [-R]",
        .summary = "list files",
        .options = OPTIONS({.name = "long", .letter = 'l', .help = "size, time and author too"},
                           {.name = "recursive", .letter = 'R', .help = "folders with all that is in them"}),
        .json = FIELDS("files", "a list of", FILE_FIELDS, "files", "in a folder (type folder, without -R): how many"),
        .min_words = 1,
        .max_words = 2,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_ls,
    },
    {
        .name = "mv",
        .synopsis = "ROOM FROM TO",
        .summary = "move or rename a file or a folder",
        .json = FIELDS("files", "a list of", FILE_FIELDS, CHANGED_FIELDS),
        .min_words = 3,
        .max_words = 3,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_mv,
    },
    {
        .name = "rm",
        .synopsis = "ROOM PATH",
        .summary = "remove a file or a folder",
        .text = TEXT("Its versions stay in the log and can still be fetched by `get --version`."),
        .json = FIELDS("files", "a list of", FILE_FIELDS, CHANGED_FIELDS),
        .min_words = 2,
        .max_words = 2,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_rm,
    },
    {
        .name = "versions",
        .synopsis = "ROOM PATH",
        .summary = "list the versions of a file",
        .json = FIELDS("versions", "a list, oldest first, of", "id", "the version's id, hex", "version", "its number, from 1", CONTENT_FIELDS,
                       WRITER_FIELDS),
        .min_words = 2,
        .max_words = 2,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_versions,
    },
    {
        .name = "log",
        .synopsis = "ROOM [--since SEQ]",
        .summary = "list the entries of the log",
        .options = OPTIONS({.name = "since", .arg = "SEQ", .help = "from this place on; the first entry is 0"}),
        .json = FIELDS("entries", "a list of", "id", "the entry's leaf hash, hex", "index", "its place", "kind",
                       "roster, sign, talk, work or server", "type", "what a roster or server entry does, or null", "author",
                       "person or device id", "author_name", "the author's name", "time", "by the author's clock", "verdict",
                       "accepted, rejected, or null", "reason", "why it was rejected, or null", "crossed",
                       "whether it was sealed while another's removal was on its way", "forgotten",
                       "whether what it held was deleted for good, by an owner's word"),
        .min_words = 1,
        .max_words = 1,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_log,
    },
    {
        .name = "verify",
        .synopsis = "ROOM",
        .summary = "check the whole log, tree, signatures, and all blobs",
        .text = TEXT("Checks anew everything that this device holds, and that the server still has every blob and that each "
                     "opens to what its entry says. What does not is named, a line for each of the first 20, and the exit status is 4; only "
                     "a log that does not verify itself ends the look. Entries that were "
                     "forgotten are counted, and nothing is missed of them."),
        .json = FIELDS("id", "the room's id, hex", "entries", "how many were checked", "root", "of the tree, hex", "files",
                       "how many versions were checked", "blobs", "how many were fetched and opened", "bytes", "of them",
                       "forgotten", "how many entries stand as headers, as what they held was deleted for good", "faults",
                       "what does not verify, 20 at most", "faults[].text", "in words", "faults[].what", "the error's name", "faults_more",
                       "how many there are besides"),
        .min_words = 1,
        .max_words = 1,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .run = pv_cmd_verify,
    },
    {
        .name = "repair",
        .synopsis = "[ROOM [FILE…]] [--go-on [--kit FILE] | --successor]",
        .summary = "how far a room is on a server that was restored from a backup",
        .text = TEXT("A server that was restored from a backup lacks what came after it. Each of your commands in a room, and refresh in "
                     "all, gives back what this device has of it; until all of it is there, the room is read-only, and what you write waits. This command says what is "
                     "known to be missing.",
                     "A room opens by itself once every device of it was here and no invite is open. Otherwise an owner says, when every "
                     "owner was here, that it goes on. What only others have is lost then: whoever comes later with more is alarmed, "
                     "and goes on there with another device only.",
                     "Without ROOM it is about your own room, in which your devices and your list of rooms stand. It waits for all of your "
                     "devices; where one is lost, say from another that it goes on (or by the kit, see privity recover). A device of "
                     "yours that comes later with more is alarmed, and has to be added anew.",
                     "Where nobody can give back what is missing, or nobody shall be alarmed, an owner founds a successor at once: a new room "
                     "under the same name. Members follow by themselves when their next command reaches the server, also those who come late "
                     "with a longer history; each gets the role that it had. Messages that only they had, and what waits unsent, go with them. "
                     "Files do not: they stay in the ended room, which each can read as NAME-ended and put anew from. Run again (with the "
                     "ended room's name), it makes the invites anew for those who did not come yet, if a removal has ended the old ones.",
                     "Versions of files whose bytes the server has lost are listed. Whoever still has such a file gives it back by naming "
                     "it: exactly the bytes that were lost are made of it again. Small files of one put share them: name all of these. Of "
                     "a file of more than 32 chunks (some 30 MB) the list of chunks is lost too; put it anew."),
        .options = OPTIONS({.name = "go-on", .help = "say, as an owner, that the room goes on with what it has; its open invites end"},
                           {.name = "kit", .arg = "FILE", .complete = PV_COMPLETE_FILE, .help = "say so by the recovery kit in FILE (- is standard input), where no device of yours is left in the room"},
                           {.name = "successor", .help = "found, as an owner, a room in which this one goes on"}),
        .json = FIELDS("id", "the room's id, hex", "open", "whether it takes what is written", "missing",
                       "how many entries are known to be missing", "successor", "the id of the room in which it goes on, or null",
                       "lost", "versions whose bytes the server lost: path, path_bytes, version (0: an attachment), index, blobs", "lost_else",
                       "lost blobs of none of these", "blobs_given", "how many were given back now"),
        .min_words = 0,
        .max_words = 64,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_FILE},
        .run = pv_cmd_repair,
    },
    {
        .name = "check",
        .synopsis = "FILE",
        .summary = "tell what a file of evidence shows, and whom it convicts",
        .text = TEXT("Needs no room, no server and no network: what is checked is in the file. Exit status 0 when all that the file "
                     "claims holds, also where that convicts nobody; 4 when it is damaged or does not hold.",
                     "A file can show that the holder of a log's key, or a device, signed what contradicts itself or the rules. "
                     "Whose key or device that is, and why it was done, no file can show. FILE - is standard input."),
        .json = FIELDS("kind", "evidence", "id", "the room's id, hex", "finding",
                       "two_histories, went_back, malformed, room, seen_later, seen, signature, body, open (nothing yet) or shown (unsigned)",
                       "convicts", "a list, empty where nobody is", "convicts[].role", "server or device", "convicts[].log_key", "a server's, hex",
                       "convicts[].name", "a server's, as the room's log has it", "convicts[].device", "a device's id, hex", "key_vouched",
                       "whether the room's genesis names that key, or the key before it signed each change", "first",
                       "of two signed logs the one that this device held: size, root, time", "second", "the other one", "index",
                       "the entry's place", "author", "the device that it names", "told_time", "when the file was made, by its maker's clock",
                       "told", "its maker's words, which prove nothing"),
        .min_words = 1,
        .max_words = 1,
        .words = {PV_COMPLETE_FILE, PV_COMPLETE_NONE},
        .local = true,
        .run = pv_cmd_check,
    },
    {
        .name = "lock",
        .synopsis = "[ROOM]",
        .summary = "forget the keys of one room, or all",
        .text = TEXT("Commands that run on a locked room end within a second. The passphrase unlocks it again."),
        .json = FIELDS("locked", "names of rooms, or \"all\""),
        .max_words = 1,
        .words = {PV_COMPLETE_ROOM, PV_COMPLETE_NONE},
        .local = true, /* opens what it needs: all is locked without asking for anything */
        .run = pv_cmd_lock,
    },
    {
        .name = "unlock",
        .synopsis = "",
        .summary = "ask for the passphrase and hold the keys for some hours",
        .text = TEXT("The keys wait in the kernel's keyring for 8 hours, or PRIVITY_UNLOCK_MINUTES."),
        .json = FIELDS("unlocked", "true", "until", "milliseconds since 1970"),
        .run = pv_cmd_unlock,
    },
    {
        .name = "passphrase",
        .synopsis = "",
        .summary = "change the passphrase of this device",
        .text = TEXT("Asks for the passphrase, also of an unlocked device, then twice for the new one, and seals this device's keys anew. "
                     "Cut off, it has changed all or nothing. What is unlocked stays so until `privity lock`; recovery kits and your other "
                     "devices, each with a passphrase of its own, go on as they are.",
                     "The keys themselves stay: a copy of this device's data that was taken before opens by the old passphrase. Where somebody "
                     "may have both, revoke the device (privity device revoke) from another one.",
                     "A script gives the new one in PRIVITY_NEW_PASSPHRASE_FILE or PRIVITY_NEW_PASSPHRASE_FD, which may be the open file that "
                     "the old one is read from: the new one is its next line."),
        .json = FIELDS("changed", "true"),
        .local = true, /* asks even where nothing else would */
        .run = pv_cmd_passphrase,
    },
    {
        .name = "refresh",
        .synopsis = "",
        .summary = "fetch all rooms and send what waits",
        .json = FIELDS("rooms", "a list as of `rooms`"),
        .run = pv_cmd_refresh,
    },
    {
        .name = "help",
        .synopsis = "[COMMAND]",
        .summary = "print help",
        .options = OPTIONS({.name = "man", .help = "print the manual page's source"},
                           {.name = "completion", .arg = "SHELL", .help = "print completions for bash, zsh or fish"}),
        .max_words = 2,
        .local = true,
        .run = pv_cmd_help,
    },
};

const size_t pv_command_count = sizeof pv_commands / sizeof *pv_commands;
