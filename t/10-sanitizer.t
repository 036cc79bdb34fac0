#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A build with a sanitizer: what a child of httpd, acmectl or a child of a unit
# test reports makes the run fail.  A module and a program with planted faults.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeSanitizer;
use AcmeServer;
use AcmeSkip;

my $kind = AcmeSanitizer::is_here()
    or skip_file('no sanitizer in this build');
my $dir = $ENV{KEEPDIR} || AcmeServer::tempdir();

AcmeServer::write_file("$dir/fault.h", <<'EOT_C');
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static volatile int count;
static void *race(void *unused)
{
    for (int i = 0; i < 1000; i++)
        count++;
    return unused;
}
static void fault(const char *name)
{
    char *volatile some = strdup("12345678");
    pthread_t other;
    if (strstr(name, "heap"))
        count = some[9];
    if (!strstr(name, "leak"))
        free(some);
    some = NULL;
    if (strstr(name, "overflow"))
        count += INT_MAX + (int)strlen(name);
    if (strstr(name, "race")) {
        pthread_create(&other, NULL, race, NULL);
        race(NULL);
        pthread_join(other, NULL);
    }
}
EOT_C

AcmeServer::write_file("$dir/mod_fault.c", <<'EOT_C');
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include "fault.h"
static int handle(request_rec *r)
{
    if (!strstr(r->uri, "/fault-"))
        return DECLINED;
    fault(r->uri);
    return HTTP_NO_CONTENT;
}
static void hooks(apr_pool_t *p)
{
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_FIRST);
}
AP_DECLARE_MODULE(fault) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL,
    NULL, hooks };
EOT_C

# A child has the fault, and its parent does not care.
AcmeServer::write_file("$dir/fault.c", <<'EOT_C');
#include "fault.h"
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    pid_t pid = fork();
    if (!pid) {
        fault(argv[1]);
        exit(0);
    }
    wait(NULL);
    printf("ok 1\n1..1\n");
    return 0;
}
EOT_C

AcmeServer::write_file("$dir/httpd.t", <<'EOT_PL');
use strict;
use warnings;
use Test::More;
use AcmeServer;
my ($fault, $module) = @ARGV;
my $server = AcmeServer->new(global => "LoadModule fault_module $module")
    ->start;
system 'curl', '-s', "http://127.0.0.1:$server->{http_port}/fault-$fault";
pass('said nothing');
done_testing;
EOT_PL

my @flags = $kind eq 'thread' ? ('-fsanitize=thread')
    : ('-fsanitize=address,undefined', '-static-libubsan',
        '-Wl,--exclude-libs,libubsan.a');
my $headers = AcmeServer::apxs('INCLUDEDIR');
my @apr = split ' ', `apr-1-config --includes --cppflags`;
is(system('gcc', '-w', '-g', @flags, '-o', "$dir/fault", "$dir/fault.c"), 0,
    'a program with faults');
is(system('gcc', '-w', '-g', '-shared', '-fPIC', @flags, '-isystem', $headers,
    @apr, '-o', "$dir/mod_fault.so", "$dir/mod_fault.c"), 0,
    'a module with faults');

# (status, all that it says)
sub says {
    my @command = @_;
    delete local $ENV{ACME_REPORTS};
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command or die $!;
    my $text = do { local $/; <$pipe> };
    close $pipe;
    return ($? >> 8, $text);
}

my %faults = (
    heap => qr/heap-buffer-overflow.* in fault\b/s,
    overflow => qr/fault\.h:\d+.*signed integer overflow/s,
    race => qr/data race.* race\b/s,
    leak => qr/detected memory leaks.* in fault\b/s,
);
for my $fault ($kind eq 'thread' ? 'race' : qw(heap overflow leak)) {
    my ($code, $text) = says("$FindBin::Bin/sanitizers/run", "$dir/fault",
        $fault);
    isnt($code, 0, "$fault in a child of a program");
    like($text, $faults{$fault}, "$fault is shown");
    next if $fault eq 'leak'; # not looked for in httpd
    ($code, $text) = says($^X, "-I$FindBin::Bin/lib", "$dir/httpd.t", $fault,
        "$dir/mod_fault.so");
    isnt($code, 0, "$fault in a child of httpd");
    like($text, $faults{$fault}, "$fault is shown");
}
for ([ 'run', "$FindBin::Bin/sanitizers/run", "$dir/fault", 'none' ],
    [ 'httpd', $^X, "-I$FindBin::Bin/lib", "$dir/httpd.t", 'none',
        "$dir/mod_fault.so" ])
{
    my ($name, @command) = @$_;
    my ($code, $text) = says(@command);
    is($code, 0, "$name: no fault") or diag $text;
}
done_testing;
