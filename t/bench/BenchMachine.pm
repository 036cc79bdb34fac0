# SPDX-License-Identifier: Apache-2.0
package BenchMachine;

# What figures must be read with: the machine, its load, versions.

use strict;
use warnings;
use AcmeServer;

sub first { return ($_[0] // '') =~ /^(.+)$/m ? $1 : '?' }

sub version { return first(`pkg-config --modversion $_[0] 2>/dev/null`) }

sub read_match {
    my ($path, $regex) = @_;
    return AcmeServer::read_file($path) =~ $regex ? $1 : '?';
}

sub tell {
    my $model = read_match('/proc/cpuinfo', qr/^model name\s*: (.*)$/m);
    my $cores = () = AcmeServer::read_file('/proc/cpuinfo') =~ /^processor/mg;
    my $memory = read_match('/proc/meminfo', qr/MemTotal: *(\d+)/);
    my $load = read_match('/proc/loadavg', qr/^(\S+ \S+ \S+)/);
    my ($httpd) = `@{[AcmeServer::program()]} -v` =~ m{Apache/(\S+)};
    my $commit = first(
        `git -C $AcmeServer::top describe --always --dirty 2>/dev/null`);
    printf "machine: %s, %d cores, %.0f GiB, Linux %s; load %s\n", $model,
        $cores, $memory / 1048576, first(`uname -r`), $load;
    print "versions: $commit, httpd $httpd", map({", $_->[0] "
        . version($_->[1])} ['OpenSSL', 'openssl'], ['SQLite', 'sqlite3'],
        ['curl', 'libcurl'], ['libunbound', 'libunbound']), "\n",
        'date: ', scalar gmtime, " UTC\n\n";
}

1;
