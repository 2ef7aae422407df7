"""Many towns in one process: `tocsin run --stations DIR`, a folder with a `channels.toml` in a subfolder for each.

    DIR ──▶ towns.py: the towns and their changes ──▶ fleet.py: a Daemon each, begun and ended ──▶ entrance.py: one door
    process.py holds the folder and polls it; ops.py reports the state of all towns
    desk.py is where operators sign in: health.py is what they see, dispatching.py sends one alert to several towns

Each town is the same `Daemon` that runs alone (alerts/app.py), in a `DaemonEnvironment` whose costly parts are shared:
the HTTP session, the threads that databases are read in, the listener. Nothing of one town is reachable from another's
`Town`: not its database, its secrets, its accounts or its pages (docs/adr/0026-many-towns-in-one-process.md).
"""
