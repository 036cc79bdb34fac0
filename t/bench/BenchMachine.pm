# SPDX-License-Identifier: Apache-2.0
package BenchMachine;

# What figures must be read with: the machine, its load, versions.

use strict;
use warnings;
use AcmeServer;

sub first { my ($text) = @_; return ($text // '') =~ /^(.*)$/m ? $1 : '' }

sub version { my ($library) = @_; return first(`pkg-config --modversion $library 2>/dev/null`) || '?' }

sub tell {
    my $cpu = AcmeServer::read_file('/proc/cpuinfo');
    my ($model) = $cpu =~ /^model name\s*: (.*)$/m;
    my $cores = () = $cpu =~ /^processor/mg;
    my ($memory) = AcmeServer::read_file('/proc/meminfo') =~ /MemTotal: *(\d+)/;
    my ($load) = AcmeServer::read_file('/proc/loadavg') =~ /^(\S+ \S+ \S+)/;
    my ($httpd) = `@{[AcmeServer::program()]} -v` =~ m{Apache/(\S+)};
    chomp(my $kernel = `uname -r`);
    chomp(my $commit = `git -C $AcmeServer::top describe --always --dirty 2>/dev/null`);
    print "machine: @{[$model // 'unknown']}, $cores cores, ",
        sprintf('%.0f', $memory / 1048576), " GiB, Linux $kernel; ",
        "load $load\n",
        "versions: @{[$commit || '?']}, httpd @{[$httpd // '?']}, OpenSSL ",
        version('openssl'), ', SQLite ', version('sqlite3'), ', curl ',
        version('libcurl'), ', libunbound ', version('libunbound'), "\n",
        'date: ', scalar gmtime, " UTC\n\n";
}

1;
