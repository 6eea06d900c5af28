"""``codecbench doctor``: what is here, what works, and whether the numbers are right."""

import click


@click.command("doctor")
def command() -> int:
    """Say what is installed, what works, and whether the numbers here are right.

    Packages that are missing are named with their fix and do not make this fail; a number that is
    wrong does (exit code 3).
    """
    from codecbench.adapters.registry import CODECS
    from codecbench.benchmark.conformance import conformance_checks
    from codecbench.benchmark.environment import describe_environment
    from codecbench.benchmark.supervisor import SupervisedChild
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.metrics.registry import METRICS

    environment = describe_environment()
    print(f"codecbench {environment['codecbench']} {environment['commit']}".rstrip())
    print(f"Python {environment['python']} on {environment['platform']}")
    print(f"{environment['cpu']}, {environment['cores']} cores, {environment['memory_gib']} GiB")
    print("\nPackages")
    packages = environment["packages"]
    for name, version in packages.items() if isinstance(packages, dict) else ():
        print(f"  {name:18} {version}")
    wrong = 0
    with SupervisedChild() as child:
        for title, operation, names in (
            ("Codecs", "describe_codec", CODECS.names()),
            ("Metrics", "describe_metric", METRICS.names()),
        ):
            print(f"\n{title}")
            for name in names:
                if operation == "describe_codec" and _needs_options(name):
                    print(f"  {name:18} runs what its options name")
                    continue
                reply = child.call({"op": operation, "spec": name})
                if reply.value is None:
                    print(f"  {name:18} cannot be made: {reply.detail}")
                    continue
                missing = str(reply.value["unavailable"])
                version = str(reply.value.get("version", ""))
                print(f"  {name:18} {f'missing: {missing}' if missing else f'ok {version}'}")
        print("\nConformance, against values of independent origin")
        for check in conformance_checks():
            reply = child.call({"op": "check", "check": check.table})
            found = reply.value["found"] if reply.value else None
            if not isinstance(found, int | float):
                mark = "skipped" if reply.status == "skipped" else "FAILED"
                wrong += mark == "FAILED"
                print(f"  {mark:8} {check.name}: {reply.detail}")
                continue
            good = abs(found - check.expected) <= check.tolerance
            wrong += not good
            print(
                f"  {'ok' if good else 'WRONG':8} {check.name}: {found:.6g}, "
                f"expected {check.expected:.6g} ± {check.tolerance:g} ({check.origin})"
            )
    if wrong:
        print(f"\n{wrong} numbers are wrong on this machine; do not publish results from it")
        return ExitCode.INCOMPLETE
    print("\nall numbers are as they should be")
    return ExitCode.OK


def _needs_options(name: str) -> bool:
    """Whether a codec is nothing without options, such as a program's description."""
    from inspect import Parameter

    from codecbench.adapters.registry import CODECS
    from codecbench.core.construct import option_defaults

    return Parameter.empty in option_defaults(CODECS.load(name)).values()
