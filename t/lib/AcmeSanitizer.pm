# SPDX-License-Identifier: Apache-2.0
package AcmeSanitizer;

# A build with a sanitizer (make asan, make tsan).  httpd itself is built
# without, so it needs the runtime from the start; and what a child of it
# reports is seen by nobody, so each report goes into a file and fails the test
# whose processes wrote it.  t/sanitizers/run fails for those of all others.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp ();
use Test::More ();

my $top = abs_path(dirname(__FILE__) . '/../..');
our $build = $ENV{ACME_BUILD} || "$top/build";
my $starter = $$;

# What a file is linked with: (address or thread, its runtime); or nothing.
sub kind {
    my ($file) = @_;
    my %names = (a => 'address', t => 'thread');
    my ($path, $letter) = `ldd $file 2>&1` =~ m{(/\S*/lib([at])san\S*) \(0x};
    return $path ? ($names{$letter}, $path) : ();
}
my ($kind, $runtime) = kind("$build/mod_acme_server.so");

# (LD_PRELOAD => …) for httpd, and for acmectl, which asks it.
sub preload { return $kind ? (LD_PRELOAD => $runtime) : () }

# A child that has become another user may read its own environment, where the
# options are, only if it may dump its core.
sub directives { return $kind ? "CoreDumpDirectory $_[0]" : '' }

# Is this build with one? The word address or thread.
sub is_here { return $kind }

# The environment of processes that report into this folder.  Signals are the
# sanitizer's, not httpd's own report of a crash.  Leaks are looked for in all
# programs but httpd (t/sanitizers/httpd, apache2): its children exit while
# threads run, and APR's pools are mapped, so what only they point to would
# seem lost.  The prefork MPM ends a child, pools and all, in its handler of a
# signal.
sub options {
    my ($folder, $name) = @_;
    my $lists = "$top/t/sanitizers";
    my $all = "log_path=$folder/$name:log_exe_name=1:exitcode=99";
    my $signals = join ':', map { "handle_$_=2" } qw(segv abort sigbus sigill
        sigfpe);
    return (
        ASAN_OPTIONS => "$all:$signals:detect_stack_use_after_return=1"
            . ':strict_string_checks=1:detect_odr_violation=0:detect_leaks=1'
            . ":include_if_exists=$lists/%b",
        LSAN_OPTIONS => "suppressions=$lists/leaks:print_suppressions=0",
        UBSAN_OPTIONS => "$all:print_stacktrace=1:halt_on_error=1",
        VALGRIND_OPTS => '-q --leak-check=full --show-leak-kinds=definite'
            . ' --errors-for-leak-kinds=definite --error-exitcode=99'
            . " --log-file=$folder/$name.%p",
        TSAN_OPTIONS => "$all:suppressions=$lists/races:second_deadlock_stack=1"
            . ':history_size=4:report_signal_unsafe=0');
}

# Where children of httpd, who is somebody else, may write.
sub folder {
    my $dir = File::Temp::tempdir('acme-reports-XXXXXX', TMPDIR => 1,
        CLEANUP => 1);
    chmod 01777, $dir or die "$dir: $!\n";
    return $dir;
}

# The event MPM's own crash at SIGTERM, in close_worker_sockets() of a child's
# first thread, whose workers close their sockets meanwhile: nothing of ours is
# there.
sub is_of_mpm {
    my ($report) = @_;
    my ($first, $second) = $report =~ /^ +#0 (.*)\n +#1 (.*)/m;
    return $report =~ /AddressSanitizer: SEGV/
        && $first =~ m{ in apr_\w+ \(\S+/libapr-1\.so}
        && $second =~ m{\(\S+/mod_mpm_event\.so}
        && $report !~ /mod_acme_server/;
}

# All other reports in it so far, as one text.
sub reports {
    my ($folder, $name) = @_;
    my $text = '';
    for my $file (sort glob "$folder/$name.*") {
        open my $fh, '<', $file or die "$file: $!\n";
        local $/;
        my $report = <$fh> // '';
        $text .= basename($file) . ":\n$report"
            if $report ne '' && !is_of_mpm($report);
    }
    return $text;
}

my ($place, $name);
if ($kind) {
    ($place, $name) = ($ENV{ACME_REPORTS} || folder(), basename $0);
    %ENV = (%ENV, options($place, $name));
}

# Runs after AcmeServer's, which stops httpd.
END {
    if ($place && $$ == $starter) {
        my $status = $?;
        my $text = reports($place, $name);
        Test::More::diag($text) if $text;
        $? = $text ? 99 : $status;
    }
}

1;
